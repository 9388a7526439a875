"""Checks the delivery guarantee of published lists: at least once, in order per user, and the latest list wins.

The check follows the order of the topic, per user and kind of list:

- A list is *newest* when its `seq` is above the `seq` of every earlier list.
- Any other list is a *repeat*, and readers drop it. Repeats have two causes. A worker that took over after a crash
  publishes again the lists that the state did not hold yet, perhaps in different batches. A worker that was stopped for
  a while delivers lists late that it had made before.
- A repeat is *out of order* when it is older than the newest list, was made later, and neither the newest list nor a
  newer one follows. Then a worker continued from an old state, and a reader that begins with the compacted topic would
  get the repeat. While the event of the newest list is not stored, the repeat is not out of order: the newest list will
  be published again.
- An event is *unanswered* when it is stored, and no list of its user has a `seq` of its offset or above.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from sightline_client.parsing import UNREADABLE
from state.partitions import START
from streams.replay.folds import Place
from streams.wire.records import Record


class _ListHeader(msgspec.Struct, frozen=True):
    """The fields of a list that the check reads."""

    user_id: str
    seq: int
    kind: str
    generated_at_ms: int


_decode = msgspec.json.Decoder(_ListHeader).decode


@dataclass(slots=True)
class _History:
    """The lists of one user and kind so far: the newest `seq`, and when its list was last generated (Unix ms).

    `stale` is the number of lists after it that have an older `seq` but were generated later.
    """

    newest: int
    generated_at_ms: int
    stale: int = 0


class ListOrder:
    """Reads the topic of lists, each partition in order. `out_of_order` and `unanswered` then give the findings."""

    def __init__(self) -> None:
        self.lists = 0
        self.repeats = 0
        self.unreadable = 0
        #: The `seq` of each user's latest feed, without users who withdrew their list afterwards.
        self.standing: dict[str, int] = {}
        self._histories: dict[tuple[str, str], _History] = {}

    def add(self, record: Record) -> None:
        """Read the next record of a partition."""
        if record.value is None:
            # A tombstone: the user withdrew the list, for example with a `forget` request.
            self.standing.pop((record.key or b"").decode(errors="replace"), None)
            return
        try:
            header = _decode(record.value)
        except UNREADABLE:
            self.unreadable += 1
            return
        self.lists += 1
        if header.kind == "feed":
            self.standing[header.user_id] = header.seq
        history = self._histories.get((header.user_id, header.kind))
        if history is None or header.seq > history.newest:
            self._histories[header.user_id, header.kind] = _History(header.seq, header.generated_at_ms)
            return
        self.repeats += 1
        if header.seq == history.newest:
            history.generated_at_ms, history.stale = max(history.generated_at_ms, header.generated_at_ms), 0
        elif header.generated_at_ms > history.generated_at_ms:
            history.stale += 1

    def out_of_order(self, stored: Mapping[str, int]) -> dict[str, int]:
        """The number of lists out of order, by user. Users without any are left out.

        `stored` has the stored position of each user's partition. Feeds of users without a position are not judged.
        """
        return {
            user: history.stale
            for (user, kind), history in self._histories.items()
            if history.stale and (kind != "feed" or history.newest <= stored.get(user, START))
        }

    def unanswered(self, last: Mapping[str, Place], *, kept_from_ms: int) -> dict[str, Place]:
        """The users whose last stored event is unanswered. Lists older than `kept_from_ms` (Unix ms) may be deleted."""
        found = {}
        for user, place in last.items():
            history = self._histories.get((user, "feed"))
            # The answer to a picture query has the same key: compaction may have removed the feed before it.
            may_be_deleted = place.at_ms < kept_from_ms or (user, "similar") in self._histories
            if not may_be_deleted and (history is None or history.newest < place.offset):
                found[user] = place
        return found
