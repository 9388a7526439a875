"""What the verification found."""

from dataclasses import dataclass, field
from typing import Literal

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not what the log says; `name` is a user's or item's id, or an item's key in hexadecimal."""

    kind: Literal["profile", "behaviour", "trend", "item", "list", "dead letter"]
    name: str
    where: str


@dataclass(slots=True)
class Report:
    """Counts of what was compared and of what differs; `differences` has the first EXAMPLES."""

    partitions: int
    users: int = 0
    items: int = 0
    #: Events that could be read, up to the positions; `duplicates` of them repeat an event id, and changed nothing.
    events: int = 0
    duplicates: int = 0
    #: Refused because their user was forgotten after them.
    late: int = 0
    #: What users asked on events.privacy.
    requests: int = 0
    refused: int = 0
    #: Accepted by Kafka, not yet stored: events, and signals.
    pending: int = 0
    pending_signals: int = 0
    #: Events without their effect: in no profile, or neither readable nor in the dead letters.
    lost: int = 0
    double_applied: int = 0
    #: Signals that should have been there to be applied.
    lost_signals: int = 0
    different_profiles: int = 0
    different_behaviours: int = 0
    different_items: int = 0
    lists: int = 0
    repeats: int = 0
    out_of_order: int = 0
    unanswered: int = 0
    not_withdrawn: int = 0
    #: What could not be compared, and why; empty when the log reaches back to the first event.
    incomplete: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs from the log, as far as it reaches."""
        return not any(
            (
                self.lost,
                self.double_applied,
                self.lost_signals,
                self.different_profiles,
                self.different_behaviours,
                self.different_items,
                self.out_of_order,
                self.unanswered,
                self.not_withdrawn,
            )
        )

    def show(self, difference: Difference) -> None:
        """Keep a difference as an example, if there is room."""
        if len(self.differences) < EXAMPLES:
            self.differences.append(difference)
