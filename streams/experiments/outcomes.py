"""What users did with the lists of an experiment, from the events that name their list.

Users of one partition of events.interactions are counted together, and their lists are known by offsets in it: a feed's
rec_id is the partition and offset of its cause. The arm of a user is a function of the user's id, so the lists
themselves, of which Kafka keeps the newest alone, are not needed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from inference.experiment import Outcome, outcome_of
from streams.interactions.reducer import Parsed
from streams.privacy.asked import Asked
from streams.privacy.control_records import VerifiedRequest
from streams.wire.events import Interaction
from streams.wire.parsing import clamp_time
from streams.wire.records import Record

#: An amount above this is a mistake in any currency: one of 1e308 would leave no figure a number.
MOST_AMOUNT: Final = 1e12
#: What names a pushed list: the partition and offset of its cause.
FEED: Final = re.compile(r"(\d{1,6})-(\d{1,18})")


class Totals(NamedTuple):
    """What one user did: slots shown, clicked and converted, each once per list and item, of so many `lists`.

    `dwell_s` is the time of all `looks` (views with dwell_ms). `paid` is the sum of the amounts of all purchases in one
    currency, `sold` that of those which name a list. `unseen` of the clicked slots have no impression. `diversity` is
    the sum over `measured` lists.
    """

    lists: float = 0.0
    shown: float = 0.0
    clicked: float = 0.0
    converted: float = 0.0
    unseen: float = 0.0
    looks: float = 0.0
    dwell_s: float = 0.0
    sold: float = 0.0
    paid: float = 0.0
    measured: float = 0.0
    diversity: float = 0.0


class _Purchase(NamedTuple):
    amount: float
    currency: str
    names_list: bool


@dataclass(slots=True)
class _User:
    """Lists by the offsets of their causes; looks and purchases by event id, so that a repeated event counts once."""

    lists: set[int] = field(default_factory=set)
    slots: dict[Outcome, set[tuple[int, str]]] = field(default_factory=lambda: defaultdict(set))
    looks: dict[str, int] = field(default_factory=dict)
    purchases: dict[str, _Purchase] = field(default_factory=dict)

    def totals(self, currency: str | None) -> Totals:
        shown, clicked, converted = (float(len(self.slots[each])) for each in ("shown", "clicked", "converted"))
        seconds = sum(self.looks.values()) / 1000
        bought = [each for each in self.purchases.values() if each.currency == currency]
        sold, paid = sum(each.amount for each in bought if each.names_list), sum(each.amount for each in bought)
        return Totals(
            lists=len(self.lists),
            shown=shown,
            clicked=clicked,
            converted=converted,
            looks=len(self.looks),
            dwell_s=seconds,
            sold=sold,
            paid=paid,
            unseen=len(self.slots["clicked"] - self.slots["shown"]),
        )


class Outcomes:
    """Reads a partition of events.interactions from offset `first` on; only lists made from there on count.

    Users are all who did something: each of their events led to a list. `forget` and `reset` erase what a user did
    before; a user who opted out counts again after `opt_in`.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._users: dict[str, _User] = {}
        self._asked = Asked()

    def add(self, record: Record, event: Parsed) -> None:
        """Read the next record; one that is no event says nothing."""
        match event:
            case VerifiedRequest() as request:
                if self._asked.erases(request):
                    self._users.pop(request.user_id, None)
            case Interaction(user_id=user, occurred_at_ms=at_ms) as event:
                if self._asked.allows(user, clamp_time(at_ms, record.timestamp_ms)):
                    self._act(record, event, self._users.setdefault(user, _User()))

    def totals(self, currency: str | None = None) -> Iterator[tuple[str, Totals]]:
        """Each user with what the user did; of amounts, those in this currency count."""
        return ((user_id, user.totals(currency)) for user_id, user in self._users.items())

    def currencies(self) -> Counter[str]:
        """How many purchases say an amount, by its currency."""
        return Counter(each.currency for user in self._users.values() for each in user.purchases.values())

    def _act(self, record: Record, event: Interaction, user: _User) -> None:
        cause = self._cause(record, event)
        amount = event.amount
        if event.type == "purchase" and amount is not None and amount <= MOST_AMOUNT and event.currency is not None:
            user.purchases.setdefault(event.event_id, _Purchase(amount, event.currency, cause is not None))
        if cause is None:
            return
        user.lists.add(cause)
        outcome = outcome_of(event.type, event.dwell_ms)
        if outcome is not None:
            user.slots[outcome].add((cause, event.item_id))
        if event.type == "view" and event.dwell_ms is not None:
            user.looks[event.event_id] = event.dwell_ms

    def _cause(self, record: Record, event: Interaction) -> int | None:
        """The offset of the cause of the list that an event names; None where it names none that counts."""
        named = FEED.fullmatch(event.rec_id or "")
        if named is None or int(named[1]) != record.partition or not self._first <= int(named[2]) < record.offset:
            return None
        return int(named[2])
