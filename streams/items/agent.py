"""Items: changes in, the whole item out to state.catalog; and what users do with items, into neighbours and trends.

Everything that concerns an item goes through state.signals, so each item has one writer and one order. A change on
events.items is checked and passed on there; it costs one hop and saves every race (docs/adr/0007).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from features.behaviour import UNKNOWN, Behaviour, Engagement, apply_engagement
from features.item import Change, Item, apply_change, apply_upload
from features.trends import update_trends
from state.codec import encode_item
from state.errors import StateUnavailable
from state.signals import Signals, SignalStore, Wanted
from streams.errors import InvalidEvent
from streams.kafka.micro_batches import by_partition
from streams.kafka.publisher import Message, Publisher
from streams.metrics import DUPLICATES, EVENTS
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import dead_letter
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.stages import Stages
from streams.wire.events import ItemChange
from streams.wire.parsing import Record, clamp_time, parse_item_change
from streams.wire.signals import Changed, Engaged, Signal, SignalTopic, Uploaded, parse_signal
from streams.wire.topics import CATALOG, ITEMS, SIGNALS

_counted = cache(EVENTS.labels)


class ItemChangesAgent:
    """Checks what publishers say of items and passes it on to state.signals."""

    def __init__(self, publisher: Publisher, signals: SignalTopic, breaker: Breaker, *, prefix: str) -> None:
        self._publisher = publisher
        self._signals = signals
        self._breaker = breaker
        self._prefix = prefix

    async def handle(self, records: Sequence[Record]) -> None:
        """Pass a batch of events.items on, or to the dead letters; doing it again changes nothing."""
        parsed = [_parse_change(record) for record in records]
        await self._breaker.check(len(parsed), sum(isinstance(each, InvalidEvent) for each in parsed))
        messages = [self._message(record, each) for record, each in zip(records, parsed, strict=True)]
        await self._publisher.publish(messages)

    def _message(self, record: Record, parsed: Changed | InvalidEvent) -> Message:
        if isinstance(parsed, InvalidEvent):
            return dead_letter(record, parsed, prefix=self._prefix)
        _counted(ITEMS.name, "change", "applied").inc()
        return self._signals.message(parsed)


#: The signals of a batch by partition and offset.
_Parsed = Mapping[tuple[int, int], Signal | InvalidEvent]


@dataclass(slots=True)
class _Changes:
    """What one partition's signals lead to."""

    sources: dict[int, int]
    items: dict[str, Item] = field(default_factory=dict)
    behaviours: dict[int, Behaviour] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)


class SignalsAgent:
    """Applies micro-batches of state.signals by the same protocol as the interactions agent: publish, then commit."""

    def __init__(
        self,
        store: SignalStore,
        publisher: Publisher,
        positions: Positions,
        breaker: Breaker,
        *,
        prefix: str,
        min_users: int = 1,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._min_users = min_users
        self._store = store
        self._publisher = publisher
        self._positions = positions
        self._breaker = breaker
        self._prefix = prefix
        self._clock_ms = clock_ms

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch; on return its effect is published and stored, or its partitions will be fetched again."""
        stages = Stages()
        batch = by_partition(records)
        parsed = {(record.partition, record.offset): _parse(record) for record in records}
        wanted = {partition: _wanted(found, parsed) for partition, found in batch.items()}
        loaded = await until_available(lambda: self._store.load(wanted), StateUnavailable)
        stages.end("load")
        held = {partition: found.position for partition, found in loaded.items()}
        self._positions.loaded(held)
        admitted = await self._positions.admit(batch, held)
        outcomes = [parsed[record.partition, record.offset] for new in admitted.values() for record in new]
        await self._breaker.check(len(outcomes), sum(isinstance(each, InvalidEvent) for each in outcomes))
        changed = {p: self._apply(new, parsed, loaded[p]) for p, new in admitted.items()}
        await self._publisher.publish([message for each in changed.values() for message in each.messages])
        stages.end("publish")
        after = {p: self._after(changed[p], loaded[p], new[-1].offset) for p, new in admitted.items()}
        refused = await until_available(lambda: self._store.commit(held, after), StateUnavailable)
        self._positions.committed({p: signals.position for p, signals in after.items() if p not in refused})
        await self._positions.refused(refused)
        stages.end("commit")

    def _apply(self, records: Sequence[Record], parsed: _Parsed, loaded: Signals) -> _Changes:
        changes = _Changes(dict(loaded.sources))
        for record in records:
            match parsed[record.partition, record.offset]:
                case InvalidEvent() as signal:
                    changes.messages.append(dead_letter(record, signal, prefix=self._prefix))
                case Engaged(engagements=engagements):
                    for engagement in engagements:
                        self._engage(engagement, loaded, changes)
                case Uploaded(item=item):
                    known = changes.items.get(item.item_id) or loaded.items.get(item.item_id)
                    changes.items[item.item_id] = apply_upload(known, item)
                case Changed(item_id=item_id, change=change):
                    known = changes.items.get(item_id) or loaded.items.get(item_id)
                    changes.items[item_id] = apply_change(known, item_id, change)
        changes.messages += [self._record(item) for item in changes.items.values() if item.deleted or item.embeddings]
        return changes

    def _engage(self, engagement: Engagement, loaded: Signals, changes: _Changes) -> None:
        if engagement.sequence <= changes.sources.get(engagement.source, -1):
            # Published twice: the interactions agent replayed after a crash.
            DUPLICATES.labels("signal").inc()
            return
        changes.sources[engagement.source] = engagement.sequence
        item = engagement.item
        known = changes.behaviours.get(item) or loaded.behaviours.get(item, UNKNOWN)
        changes.behaviours[item] = apply_engagement(known, engagement)
        _counted(SIGNALS.name, "engagement", "applied").inc()

    def _after(self, changes: _Changes, loaded: Signals, position: int) -> Signals:
        moved = {item: behaviour for item, behaviour in changes.behaviours.items() if behaviour.popular > 0}
        trends = update_trends(loaded.trends, moved, self._clock_ms(), min_users=self._min_users)
        return Signals(position, changes.sources, trends, changes.items, changes.behaviours)

    def _record(self, item: Item) -> Message:
        value = None if item.deleted else encode_item(item)
        return Message(self._prefix + CATALOG.name, item.item_id.encode(), value)


def _parse_change(record: Record) -> Changed | InvalidEvent:
    try:
        event = parse_item_change(record)
    except InvalidEvent as error:
        return error
    return Changed(event.item_id, _change(event, record))


def _change(event: ItemChange, record: Record) -> Change:
    return Change(
        at_ms=clamp_time(event.occurred_at_ms, record.timestamp_ms),
        title=event.title,
        description=event.description,
        category=event.category,
        price=event.price,
        in_stock=event.in_stock,
        hidden=event.hidden,
        deleted=event.deleted,
    )


def _parse(record: Record) -> Signal | InvalidEvent:
    try:
        return parse_signal(record.value)
    except InvalidEvent as error:
        return error


def _wanted(records: Sequence[Record], parsed: _Parsed) -> Wanted:
    items: dict[str, None] = {}
    behaviours: dict[int, None] = {}
    for record in records:
        match parsed[record.partition, record.offset]:
            case Engaged(engagements=engagements):
                behaviours.update((engagement.item, None) for engagement in engagements)
            case Uploaded(item=item):
                items[item.item_id] = None
            case Changed(item_id=item_id):
                items[item_id] = None
    return Wanted(list(items), list(behaviours))
