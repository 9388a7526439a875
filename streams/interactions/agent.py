"""The hub: users' interactions in, refreshed recommendations out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial

from features.behaviour import engagements, user_bit
from features.item import key_of
from features.privacy import is_repeated
from features.profile import Action, Profile, apply_interaction, is_applied, is_late
from inference.catalog.catalog import Catalog
from inference.recommender import Recommender
from state.errors import StateUnavailable
from state.profiles import ProfileStore
from state.write_behind import PartitionCache, WriteBehindProfiles
from streams.catalog.index_client import IndexClient
from streams.errors import InvalidEvent
from streams.interactions.behaviour_cache import BehaviourCache
from streams.interactions.lists import Cause, ListMaker, MadeList
from streams.interactions.reducer import to_action
from streams.kafka.micro_batches import by_partition
from streams.kafka.publisher import Message, Publisher
from streams.metrics import (
    CLAMPED_TIMES,
    DUPLICATES,
    EVENT_TO_RECOMMENDATION,
    EVENTS,
    FORGET,
    MISROUTED,
)
from streams.privacy.control_records import UNSIGNED, ControlRecords, VerifiedRequest
from streams.privacy.receipts import Receipts
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import dead_letter
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.stages import Stages
from streams.wire.events import Interaction
from streams.wire.parsing import Record, clamp_time, parse_interaction
from streams.wire.routing import partition_of
from streams.wire.signals import SignalTopic
from streams.wire.topics import INTERACTIONS

#: What is applied is stored together with what else is applied in this time: a crash repeats so much.
STORE_EVERY_S = 0.1
#: Events applied and not stored at most: while Redis or Kafka is away, further ones wait in their topic.
UNSTORED_LIMIT = 4096
#: And bytes of them: refused ones are kept whole, as the dead letters that they become.
UNSTORED_BYTES = 64 << 20
#: How long the last store may take when the process ends.
STOP_S = 5.0

#: The events of a batch by partition and offset.
_Events = Mapping[tuple[int, int], Interaction | VerifiedRequest | InvalidEvent]
_counted = cache(partial(EVENTS.labels, INTERACTIONS.name))
_answered = cache(EVENT_TO_RECOMMENDATION.labels)
#: A profile as it was, what was done, in which partition and at which offset, and the user's mark.
_Applied = tuple[Profile, Action, int, int, int]


@dataclass(slots=True)
class _Changes:
    """What one partition's records lead to: profiles by user, the last event of each user, what others are told."""

    position: int
    profiles: dict[str, Profile] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    applied: list[_Applied] = field(default_factory=list)
    letters: list[Message] = field(default_factory=list)
    #: Lists taken back, and the times at which users asked to be forgotten.
    withdrawn: list[Message] = field(default_factory=list)
    forgotten_ms: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Unstored:
    """What goes with the next commit: lists on their way, and messages that leave before it."""

    events: int = 0
    size: int = 0
    lists: list[asyncio.Task[None]] = field(default_factory=list)
    applied: list[_Applied] = field(default_factory=list)
    letters: list[Message] = field(default_factory=list)
    forgotten_ms: list[int] = field(default_factory=list)


class InteractionsAgent:
    """Applies micro-batches of events.interactions: published, then committed; a crash repeats output, never state.

    Lists leave at once. Signals, dead letters and the commit of what several batches did follow every STORE_EVERY_S
    (docs/adr/0008). Lists leave by `lists_out`, the rest by `signals_out`: Kafka answers the requests of one connection
    one at a time, and lists should not queue behind signals.
    """

    def __init__(
        self,
        profiles: ProfileStore,
        crowd: BehaviourCache,
        catalog: Catalog,
        lists_out: Publisher,
        signals_out: Publisher,
        positions: Positions,
        signals: SignalTopic,
        breaker: Breaker,
        *,
        prefix: str,
        partitions: int,
        list_length: int,
        nearby: IndexClient | None = None,
        controls: ControlRecords = UNSIGNED,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store = profiles
        self._profiles = WriteBehindProfiles(profiles)
        self._lists_out = lists_out
        self._signals_out = signals_out
        self._positions = positions
        self._signals = signals
        self._breaker = breaker
        self._prefix = prefix
        self._clock_ms = clock_ms
        self._controls = controls
        self._receipts = Receipts(catalog, signals, prefix=prefix, clock_ms=clock_ms)
        recommender = Recommender(catalog, length=list_length)
        self._lists = ListMaker(crowd, recommender, nearby, prefix=prefix, clock_ms=clock_ms)
        self._partition_of = lru_cache(maxsize=65_536)(lambda key: partition_of(key, partitions))
        self._unstored = _Unstored()
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._ending = False
        self._storing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Store from now on what `handle` leaves to be stored."""
        self._storing = asyncio.create_task(self._keep_storing(), name="storing")

    async def stop(self) -> None:
        """Store what is left, if the services answer within STOP_S; what is not stored will be applied again."""
        self._ending = True
        self._changed.set()
        if self._storing is not None:
            _, late = await asyncio.wait({self._storing}, timeout=STOP_S)
            for task in late:
                task.cancel()
                await asyncio.wait({task})

    @property
    def failure(self) -> BaseException | None:
        """Why nothing is stored any more, if so."""
        storing = self._storing
        return storing.exception() if storing is not None and storing.done() and not storing.cancelled() else None

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where to take up partitions that were assigned; whatever this worker held before may be out of date."""
        self._profiles.drop()
        found = await self._store.positions(partitions)
        self._positions.loaded(found)
        return found

    async def rolled_back(self, partition: int, position: int) -> None:
        """The store went back to `position`: take the partition up from there."""
        self._profiles.drop_partition(partition)
        await self._positions.refused({partition: position})

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch; on return its lists are on their way, or its partitions will be fetched again."""
        await self._room.wait()
        stages = Stages()
        batch = by_partition(records)
        events = {(record.partition, record.offset): self._parse(record) for record in records}
        users = {partition: _users(found, events) for partition, found in batch.items()}
        # What the lists will be about is asked for now, beside the profiles.
        self._lists.expect({key_of(event.item_id) for event in events.values() if isinstance(event, Interaction)})
        held, moved = await until_available(lambda: self._profiles.load(users), StateUnavailable)
        await self._positions.refused(moved)
        self._positions.loaded({p: each.stored for p, each in held.items()})
        stages.end("load")
        admitted = await self._positions.admit(batch, {p: each.position for p, each in held.items()})
        await self._breaker.check(*_refused(admitted, events))
        changed = {p: self._apply(new, events, held[p]) for p, new in admitted.items()}
        causes = [(each.profiles[user], cause) for each in changed.values() for user, cause in each.causes.items()]
        made = await self._lists.make(causes, stages)
        # From here to the end nothing is awaited: a commit has all of a batch or nothing, and its lists before it.
        withdrawn = [message for changes in changed.values() for message in changes.withdrawn]
        sent = self._lists_out.publish([*withdrawn, *(self._lists.message(each, stages) for each in made)])
        for partition, changes in changed.items():
            held[partition].advance(changes.position, changes.profiles)
            self._unstored.applied += changes.applied
            self._unstored.letters += changes.letters
            self._unstored.forgotten_ms += changes.forgotten_ms
        self._unstored.lists.append(asyncio.create_task(self._acknowledged(sent, made, stages)))
        self._unstored.events += len(records)
        self._unstored.size += sum(len(record.value or b"") for record in records)
        if self._unstored.events >= UNSTORED_LIMIT or self._unstored.size >= UNSTORED_BYTES:
            self._room.clear()
        self._changed.set()

    async def store(self) -> None:
        """Publish what goes before the commit, then commit what was applied; one at a time."""
        stages = Stages()
        unstored, self._unstored = self._unstored, _Unstored()
        taken = self._profiles.take()
        try:
            await asyncio.gather(*unstored.lists)
            told = [each for applied in unstored.applied for each in engagements(*applied)]
            await self._signals_out.publish([*unstored.letters, *self._signals.messages(told)])
            stages.end("signals")
            for asked_ms in unstored.forgotten_ms:
                FORGET.observe(max(self._clock_ms() - asked_ms, 0) / 1000)
            stored, refused = await until_available(lambda: self._profiles.commit(taken), StateUnavailable)
        except BaseException:
            self._profiles.drop()
            raise
        self._positions.committed(stored)
        await self._positions.refused(refused)
        stages.end("commit")
        self._room.set()

    async def _keep_storing(self) -> None:
        while not self._ending:
            await self._changed.wait()
            self._changed.clear()
            if not self._ending:
                await asyncio.sleep(STORE_EVERY_S)
            await self.store()

    async def _acknowledged(self, sent: Awaitable[None], made: Sequence[MadeList], stages: Stages) -> None:
        """Wait for the broker, and count: nothing that a list does not need comes before it is sent."""
        self._lists.count(made)
        await sent
        stages.end("publish")
        now_ms = self._clock_ms()
        for each in made:
            _answered(each.event.type).observe(max(now_ms - each.record.timestamp_ms, 0) / 1000)

    def _parse(self, record: Record) -> Interaction | VerifiedRequest | InvalidEvent:
        try:
            return parse_interaction(record)
        except InvalidEvent as error:
            return self._controls.read(record) or error

    def _apply(self, records: Sequence[Record], events: _Events, held: PartitionCache) -> _Changes:
        """One partition's events in order, each on the profile that the one before it left."""
        changes = _Changes(position=records[-1].offset)
        for record in records:
            event = events[record.partition, record.offset]
            if isinstance(event, InvalidEvent):
                changes.letters.append(dead_letter(record, event, prefix=self._prefix))
                continue
            before = changes.profiles.get(event.user_id) or held.profiles[event.user_id]
            if isinstance(event, VerifiedRequest):
                self._grant(event, record, before, changes)
            else:
                self._apply_interaction(event, record, before, changes)
        return changes

    def _apply_interaction(self, event: Interaction, record: Record, before: Profile, changes: _Changes) -> None:
        action = to_action(event, record)
        after = apply_interaction(before, action)
        unchanged = after is before
        if unchanged and is_late(before, action):
            _counted(event.type, "forgotten").inc()
            if event.type == "upload":
                changes.letters.append(self._receipts.disown(event.user_id, event.item_id, action.at_ms))
            return
        if unchanged and is_applied(before, action):
            DUPLICATES.labels("event").inc()
            _counted(event.type, "duplicate").inc()
            return
        if event.type == "upload":
            self._receipts.uploaded(event)
        if not unchanged:
            bit = user_bit(key_of(event.user_id))
            changes.applied.append((before, action, record.partition, record.offset, bit))
        self._note(record, event, "opted_out" if unchanged else "applied")
        changes.profiles[event.user_id] = after
        changes.causes[event.user_id] = (record, event)

    def _grant(self, asked: VerifiedRequest, record: Record, before: Profile, changes: _Changes) -> None:
        if is_repeated(before, asked.request):
            DUPLICATES.labels("request").inc()
            return
        _counted(asked.control.type, "applied").inc()
        granted = self._receipts.grant(asked, record, before)
        changes.profiles[asked.user_id] = granted.profile
        changes.letters += granted.messages
        if granted.withdrawal is not None:
            changes.withdrawn.append(granted.withdrawal)
            changes.causes.pop(asked.user_id, None)
        if asked.control.type == "forget":
            changes.forgotten_ms.append(asked.control.asked_ms)

    def _note(self, record: Record, event: Interaction, outcome: str) -> None:
        _counted(event.type, outcome).inc()
        if clamp_time(event.occurred_at_ms, record.timestamp_ms) != event.occurred_at_ms:
            CLAMPED_TIMES.inc()
        if record.key is not None and self._partition_of(record.key) != record.partition:
            MISROUTED.inc()
        if event.rec_id is not None and event.type == "click":
            self._lists.clicked(event.rec_id, event.item_id)


def _users(records: Sequence[Record], events: _Events) -> list[str]:
    found = (events[record.partition, record.offset] for record in records)
    return list(dict.fromkeys(event.user_id for event in found if not isinstance(event, InvalidEvent)))


def _refused(admitted: Mapping[int, Sequence[Record]], events: _Events) -> tuple[int, int]:
    """How many records there are, and how many of them are invalid."""
    found = [events[partition, record.offset] for partition, records in admitted.items() for record in records]
    return len(found), sum(isinstance(event, InvalidEvent) for event in found)
