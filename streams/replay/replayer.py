"""Replays all partitions of the log up to the positions of the stored state."""

from collections.abc import Callable, Iterator, Mapping

from features.co_choices.choice import LINKING, Linking
from features.item import Item
from sightline_client import routing
from state.codec import decode_item
from state.signals import partition_of
from streams.errors import CannotVerify
from streams.items.reducer import ItemEffects
from streams.kafka.log_reader import Extent, LogReader
from streams.privacy.control_records import UNSIGNED, ControlRecords
from streams.replay.folds import InteractionsReplay, Place, SignalsReplay
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.topics import CATALOG, INTERACTIONS, SIGNALS, Topic

#: Called with the name of the topic being read, the number of records done and the total number of records.
Progress = Callable[[str, int, int], None]
_PROGRESS_EVERY = 500


class Replayer:
    """One replay per partition of events.interactions and state.signals. Each begins at the first retained record."""

    def __init__(
        self,
        log: LogReader,
        *,
        namespace: Namespace,
        partitions: int,
        progress: Progress,
        control_records: ControlRecords = UNSIGNED,
        linking: Linking = LINKING,
    ) -> None:
        self._log = log
        self._namespace = namespace
        self._partitions = range(partitions)
        self._progress = progress
        self._done = 0
        self.extents = self.extents_of(INTERACTIONS)
        self.signal_extents = self.extents_of(SIGNALS)
        self.interactions = {
            p: InteractionsReplay(extent.first - 1, control_records, linking) for p, extent in self.extents.items()
        }
        self.signals = {
            p: SignalsReplay(extent.first - 1, ItemEffects((p, partitions)), linking)
            for p, extent in self.signal_extents.items()
        }

    def whole(self) -> bool:
        """Whether every partition of events.interactions still holds its first event."""
        return all(extent.first == 0 for extent in self.extents.values())

    def last_events(self) -> dict[str, tuple[int, Place]]:
        """The partition and place of each user's last event so far, except for users on a wrong partition."""
        count = len(self._partitions)
        return {
            user: (partition, place)
            for partition, replay in self.interactions.items()
            for user, place in replay.last.items()
            if routing.partition_of(user.encode(), count) == partition
        }

    def extents_of(self, topic: Topic) -> dict[int, Extent]:
        """The offsets that each partition of a topic holds now."""
        return {partition: self._log.extent(self._namespace.topic(topic), partition) for partition in self._partitions}

    def start(self, positions: Mapping[int, int]) -> None:
        """Replay events.interactions up to these positions, by partition."""
        total = sum(max(position - self.interactions[p].position, 0) for p, position in positions.items())
        for partition, position in positions.items():
            self.advance(partition, position, total=total)

    def advance(self, partition: int, position: int, *, total: int = 0) -> InteractionsReplay:
        """Continue the replay of a partition of events.interactions to a position of Redis; raises CannotVerify."""
        replay = self.interactions[partition]
        _check_not_behind(INTERACTIONS, partition, replay.position, position, self.extents[partition])
        self._apply(partition, position, total=total)
        return replay

    def advance_signals(self, partition: int, position: int, sources: Mapping[int, int]) -> SignalsReplay:
        """Continue the replay of a partition of state.signals to a position of Redis; raises CannotVerify.

        `sources` has the last sequence applied from each source partition at that position.
        """
        replay = self.signals[partition]
        _check_not_behind(SIGNALS, partition, replay.position, position, self.signal_extents[partition])
        for source, sequence in sources.items():
            # The sequence of an event's choice is 2 * offset (features.co_choices.choice).
            self._apply(source, sequence // 2)
        for record in self._records(SIGNALS, partition, replay.position + 1, position + 1):
            replay.follow(record)
        replay.position = max(replay.position, position)
        replay.catch_up(sources)
        return replay

    def order_known(self, partition: int) -> bool:
        """Whether the order of all signals is known: the partition of state.signals still holds its first record."""
        return self.signal_extents[partition].first == 0

    def links_known(self, partition: int) -> bool:
        """Whether the order of all choices is known, and each signal links items as this process would."""
        return self.order_known(partition) and not self.signals[partition].links_otherwise

    def catalogue(self) -> dict[str, Item]:
        """The items that state.catalog holds now, by id; raises StateCorrupt."""
        items: dict[str, Item] = {}
        for record in self.read(CATALOG):
            item_id = (record.key or b"").decode()
            if record.value is None:
                items.pop(item_id, None)
            else:
                items[item_id] = decode_item(record.value)
        return items

    def read(self, topic: Topic) -> Iterator[Record]:
        """The records that a topic holds now, one partition after another."""
        extents = self.extents_of(topic)
        total = sum(extent.end - extent.first for extent in extents.values())
        self._done = 0
        for partition, extent in extents.items():
            yield from self._records(topic, partition, extent.first, extent.end, total=total)

    def count(self, topic: Topic, partition: int, first: int, end: int) -> int:
        """The number of records in these offsets of a partition, some of which may hold none."""
        return sum(1 for _ in self._log.read(self._namespace.topic(topic), partition, first, end))

    def _apply(self, partition: int, position: int, *, total: int = 0) -> None:
        replay = self.interactions[partition]
        for record in self._records(INTERACTIONS, partition, replay.position + 1, position + 1, total=total):
            for choice in replay.apply(record):
                for owner in {partition_of(item, len(self._partitions)) for item in choice.items()}:
                    self.signals[owner].expect(choice)
        replay.position = max(replay.position, position)

    def _records(self, topic: Topic, partition: int, first: int, end: int, *, total: int = 0) -> Iterator[Record]:
        for record in self._log.read(self._namespace.topic(topic), partition, first, end):
            yield record
            self._done += 1
            if total and self._done % _PROGRESS_EVERY == 0:
                self._progress(topic.name, self._done, total)


def _check_not_behind(topic: Topic, partition: int, reached: int, position: int, extent: Extent) -> None:
    if position < reached and reached >= extent.first:
        raise CannotVerify(
            f"Redis went back from position {reached} of {topic.name}[{partition}] to {position} while it was read: it "
            "lost writes, or a replica took over. Wait until the workers have caught up, then verify again"
        )
