"""Consumes state.signals: publishes whole items to state.catalog, and updates neighbours, popularity and trends.

Everything about an item goes through state.signals, so each item has one writer and one order (docs/adr/0007).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from features.item import Item
from state.codec import encode_item
from state.errors import StateUnavailable
from state.signals import Signals, SignalStore, Wanted, partition_of
from streams.errors import InvalidEvent
from streams.items.reducer import ItemEffects
from streams.kafka.publisher import Publisher
from streams.metrics import DUPLICATES, EVENTS, StageTimer
from streams.processing.breaker import Breaker
from streams.processing.commit_protocol import CommitProtocol, Committed
from streams.processing.dead_letters import dead_letter
from streams.processing.positions import Positions
from streams.processing.refusals import count_refused, or_refusal
from streams.retrying import until_available
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record, by_partition, events_of
from streams.wire.signals import Changed, Chosen, Engaged, Reembedded, Signal, Uploaded, Worded, parse_signal
from streams.wire.topics import CATALOG, SIGNALS

_event_counter = cache(EVENTS.labels)

#: The header of a tombstone of an item whose deletion was taken back: it may be described or uploaded again.
RESTORED = "sightline-restored"

#: The signals of a batch by (partition, offset).
_Parsed = Mapping[tuple[int, int], Signal | InvalidEvent]


class SignalsAgent:
    """Applies micro-batches of state.signals by the same protocol as the interactions agent: publish, then commit."""

    def __init__(
        self,
        store: SignalStore,
        publisher: Publisher,
        positions: Positions,
        breaker: Breaker,
        *,
        namespace: Namespace,
        min_users: int = 1,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._min_users = min_users
        self._store = store
        self._publisher = publisher
        self._protocol = CommitProtocol(positions)
        self._breaker = breaker
        self._namespace = namespace
        self._clock_ms = clock_ms

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch. On return its effect is published and stored, or its partitions will be fetched again."""
        stages = StageTimer()
        batch = by_partition(records)
        parsed = {
            (record.partition, record.offset): or_refusal(parse_signal, record.value) for record in events_of(records)
        }
        count = self._store.partitions
        wanted = {partition: _wanted(events_of(new), parsed, (partition, count)) for partition, new in batch.items()}
        stored = await until_available(lambda: self._store.load(wanted), StateUnavailable)
        stages.end("load")
        positions = {partition: state.position for partition, state in stored.items()}
        admitted = await self._protocol.admit(batch, positions, stored=positions)
        signals = (parsed[each.partition, each.offset] for new in admitted.values() for each in events_of(new))
        await self._breaker.check(*count_refused(signals))
        effects = {p: ItemEffects.on(stored[p], (p, count)) for p in admitted}
        messages = [
            message for p, new in admitted.items() for message in self._apply(events_of(new), parsed, effects[p])
        ]
        await self._publisher.publish(messages)
        stages.end("publish")
        now_ms = self._clock_ms()
        after = {
            p: effects[p].after(stored[p], new[-1].offset, now_ms, min_users=self._min_users)
            for p, new in admitted.items()
        }
        await self._protocol.commit(lambda: self._commit(positions, after))
        stages.end("commit")

    def _apply(self, records: Sequence[Record], parsed: _Parsed, effects: ItemEffects) -> list[Message]:
        """Apply one partition's signals; return the messages to publish before the commit."""
        messages = []
        for record in records:
            match parsed[record.partition, record.offset]:
                case InvalidEvent() as error:
                    messages.append(dead_letter(record, error, namespace=self._namespace))
                case Chosen(choices=choices, linking=linking):
                    _count(effects.choose(each, linking) for each in choices)
                case Engaged(engagements=engagements):
                    _count(map(effects.engage, engagements))
                case Worded() | Reembedded() as signal:
                    effects.add_vector(signal)
                case signal:
                    try:
                        effects.change(signal)
                    except InvalidEvent as error:
                        messages.append(dead_letter(record, error, namespace=self._namespace))
        return messages + [
            self._catalog_record(item)
            for item in effects.items.values()
            if item.deleted or item.restored or item.is_described
        ]

    async def _commit(self, positions: Mapping[int, int], after: Mapping[int, Signals]) -> Committed:
        refused = await self._store.commit(positions, after)
        return {p: signals.position for p, signals in after.items() if p not in refused}, refused

    def _catalog_record(self, item: Item) -> Message:
        topic, key = self._namespace.topic(CATALOG), item.item_id.encode()
        if item.deleted:
            return Message(topic, key, None)
        if not item.is_described:
            return Message(topic, key, None, ((RESTORED, b""),))
        return Message(topic, key, encode_item(item))


def _count(applied: Iterable[bool]) -> None:
    for each in applied:
        if each:
            _event_counter(SIGNALS.name, "engagement", "applied").inc()
        else:
            # The interactions agent published it twice: it replayed events after a crash.
            DUPLICATES.labels("signal").inc()


def _wanted(records: Sequence[Record], parsed: _Parsed, place: tuple[int, int]) -> Wanted:
    partition, partitions = place
    items: dict[str, None] = {}
    behaviours: dict[int, None] = {}
    for record in records:
        match parsed[record.partition, record.offset]:
            case Chosen(choices=choices):
                chosen = (item for choice in choices for item in choice.items())
                behaviours.update((item, None) for item in chosen if partition_of(item, partitions) == partition)
            case Engaged(engagements=engagements):
                behaviours.update((engagement.item, None) for engagement in engagements)
            case Uploaded(item=item):
                items[item.item_id] = None
            case Changed(item_id=item_id) | Worded(item_id=item_id) | Reembedded(item_id=item_id):
                items[item_id] = None
    return Wanted(list(items), list(behaviours))
