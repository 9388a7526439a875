"""Whether the lists that were published keep the promise: at least once, in order for each user, the latest wins.

Judged from the order of the topic, per user and kind of list:

- A list is *newest* when its `seq` is above all before it. Any other is a *repeat*, which readers drop: a worker that
  took over after a crash publishes again what the state did not hold yet, cut into other batches perhaps; or a worker
  that was stopped for a while delivers late what it had made before.
- A repeat is *out of order* when it is older than the newest, was made later, and neither the newest nor a newer one
  follows: some worker went on from an old state, and a reader that begins with the compacted topic would be served it.
  It is not while the event of the newest list is not stored: its repetition is still to come.
- An event is *unanswered* when it is stored, and no list of its user has a `seq` of its offset or above.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from state.partitions import START
from streams.replay.folds import Place
from streams.wire.records import Record


class _Head(msgspec.Struct, frozen=True):
    """What is looked at of a list."""

    user_id: str
    seq: int
    kind: str
    generated_at_ms: int


_decode = msgspec.json.Decoder(_Head).decode


@dataclass(slots=True)
class _Course:
    """The lists of one user and kind so far: the newest, and how many older ones that were made later follow it."""

    newest: int
    made_at_ms: int
    behind: int = 0


class ListOrder:
    """Reads the topic of lists, each partition in its order; then `out_of_order` and `unanswered` judge it."""

    def __init__(self) -> None:
        self.lists = 0
        self.repeats = 0
        self.unreadable = 0
        #: The `seq` of each user's feed that was not taken back since.
        self.standing: dict[str, int] = {}
        self._courses: dict[tuple[str, str], _Course] = {}

    def add(self, record: Record) -> None:
        """The next record of a partition."""
        if record.value is None:
            # The user took the list back, perhaps to be forgotten.
            self.standing.pop((record.key or b"").decode(errors="replace"), None)
            return
        try:
            made = _decode(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.unreadable += 1
            return
        self.lists += 1
        if made.kind == "feed":
            self.standing[made.user_id] = made.seq
        course = self._courses.get((made.user_id, made.kind))
        if course is None or made.seq > course.newest:
            self._courses[made.user_id, made.kind] = _Course(made.seq, made.generated_at_ms)
            return
        self.repeats += 1
        if made.seq == course.newest:
            course.made_at_ms, course.behind = max(course.made_at_ms, made.generated_at_ms), 0
        elif made.generated_at_ms > course.made_at_ms:
            course.behind += 1

    def out_of_order(self, stored: Mapping[str, int]) -> dict[str, int]:
        """How many lists are out of order, by user, of the users whose partition's position is given."""
        return {
            user: course.behind
            for (user, kind), course in self._courses.items()
            if course.behind and (kind != "feed" or course.newest <= stored.get(user, START))
        }

    def unanswered(self, last: Mapping[str, Place], *, kept_from_ms: int) -> dict[str, Place]:
        """The users whose last stored event has no answer; lists older than `kept_from_ms` may be gone."""
        found = {}
        for user, place in last.items():
            course = self._courses.get((user, "feed"))
            # The answer to a picture query has the same key: compaction may have removed the feed before it.
            gone = place.at_ms < kept_from_ms or (user, "similar") in self._courses
            if not gone and (course is None or course.newest < place.offset):
                found[user] = place
        return found
