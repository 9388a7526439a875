"""The findings of the verification."""

from dataclasses import dataclass, field
from typing import Literal

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """A deviation from the log. `name` is a user's or item's id, an item's key in hexadecimal, or a record's offset."""

    kind: Literal["profile", "behaviour", "trend", "item", "list", "dead letter"]
    name: str
    where: str


@dataclass(slots=True)
class Report:
    """Counts of compared and of different values; `differences` has the first EXAMPLES differences."""

    partitions: int
    users: int = 0
    items: int = 0
    #: Readable events up to the positions. `duplicates` of them repeat an event id and changed nothing.
    events: int = 0
    duplicates: int = 0
    #: Events that were refused because they are older than a `forget` request of their user.
    late: int = 0
    #: Applied requests of events.privacy.
    requests: int = 0
    #: Invalid events.
    refused: int = 0
    #: Events and signals that Kafka accepted but whose effect is not stored yet.
    pending: int = 0
    pending_signals: int = 0
    #: Events without an effect: valid ones that are in no profile, and invalid ones that are not in the dead letters.
    lost: int = 0
    #: Events that a profile holds more than once.
    double_applied: int = 0
    #: Signals that were missing when the items worker should have applied them.
    lost_signals: int = 0
    different_profiles: int = 0
    #: Profiles of which only the number of items seen today is too low: a release that did not count it wrote them
    #: today. No difference: the count is right when the day is over, or by a rebuild.
    uncounted_days: int = 0
    different_behaviours: int = 0
    different_items: int = 0
    lists: int = 0
    #: The terms are defined in `streams.replay.list_order`.
    repeats: int = 0
    out_of_order: int = 0
    unanswered: int = 0
    #: Lists that users withdrew and that are still on the topic.
    not_withdrawn: int = 0
    #: Values that could not be compared, and why; empty when the log reaches back to the first event.
    incomplete: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs from the log, as far back as the log reaches."""
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
        """Keep a difference as an example while there are fewer than EXAMPLES."""
        if len(self.differences) < EXAMPLES:
            self.differences.append(difference)
