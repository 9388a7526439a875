"""Makes the state anew from the log, beside the live one, and puts it in its place (docs/operations.md).

It is brought to where the workers had come, so that what they have not answered is still theirs to answer. Everything
is stored as the workers store it, with the position, so that an interrupted rebuild goes on where it was.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from state.keys import Keys
from state.partitions import START, Commit, PartitionStore
from state.redis import connect
from state.spaces import RedisSpaces, Spaces
from streams.credentials import kafka_security, redis_access
from streams.errors import CannotRebuild
from streams.kafka.admin import read_log
from streams.kafka.continuity import TOPIC_ID, Log
from streams.kafka.groups import read_handled
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.privacy.control_records import ControlRecords, control_keys
from streams.replay.rebuild_items import Done, ItemsRebuild, conflict
from streams.replay.rebuild_profiles import ProfilesRebuild
from streams.replay.replayer import Progress
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace

#: Under this name each partition of items keeps the offset from which on what it is told is of today's
#: events.interactions, where there was another before.
ENGAGED_FROM: Final = "engaged_from"


@dataclass(frozen=True, slots=True)
class Source:
    """A topic as it is, and the last offset of each partition that the workers had handled; none where they had not."""

    log: Log
    handled: Mapping[int, int]

    def target(self, partition: int) -> int:
        """The position to which the state is made."""
        extent = self.log.extents[partition]
        return max(min(self.handled.get(partition, START), extent.end - 1), extent.first - 1)


@dataclass(slots=True)
class Rebuilt:
    """What was done; `lost` are the offsets of events.interactions, by partition, that retention has taken."""

    events: int = 0
    signals: int = 0
    items: int = 0
    removed_keys: int = 0
    seconds: float = 0.0
    events_per_s: float = 0.0
    lost: dict[int, int] = field(default_factory=dict)


async def rebuild_state(
    settings: Settings,
    kafka: str,
    redis: str,
    *,
    from_earliest: bool = False,
    progress: Progress = lambda _what, _done, _of: None,
) -> Rebuilt:
    """Make the state of these settings anew; raises what `Rebuild.run` does."""
    client = connect(redis, access=redis_access(settings))
    security = kafka_security(settings)
    log = KafkaLogReader(kafka, security=security)
    namespace, partitions = Namespace(settings.topic_prefix), settings.partitions

    def source(topic: topics.Topic, worker: str) -> Source:
        # First what was handled: what lies beyond is applied by the workers again.
        handled = read_handled(kafka, namespace.group(worker), namespace.topic(topic), security=security)
        return Source(read_log(kafka, namespace.topic(topic), security=security), handled)

    def spaces(keys: Keys) -> RedisSpaces:
        return RedisSpaces(client, keys, partitions, observe=lambda _op, _seconds: None)

    try:
        return await Rebuild(
            log,
            # In this order: an engagement on state.signals comes from an event that lies before the end read later.
            source(topics.SIGNALS, "items"),
            source(topics.INTERACTIONS, "interactions"),
            profiles=spaces(namespace.profile_keys),
            items=spaces(namespace.item_keys),
            namespace=namespace,
            control_records=ControlRecords(*control_keys(settings.control_key)),
            min_users=settings.trends_min_users,
            progress=progress,
        ).run(from_earliest=from_earliest)
    finally:
        log.close()
        await client.aclose()


class Rebuild:
    """One run over both topics that the state is made from."""

    def __init__(
        self,
        log: LogReader,
        signals: Source,
        interactions: Source,
        *,
        profiles: Spaces,
        items: Spaces,
        namespace: Namespace,
        control_records: ControlRecords,
        min_users: int = 1,
        progress: Progress = lambda _what, _done, _of: None,
    ) -> None:
        self._log = log
        self._signals = signals
        self._interactions = interactions
        self._profiles = profiles
        self._items = items
        self._namespace = namespace
        self._control_records = control_records
        self._min_users = min_users
        self._progress = progress

    async def run(self, *, from_earliest: bool = False) -> Rebuilt:
        """Make everything anew and switch; raises CannotRebuild, BrokerUnavailable, StateUnavailable."""
        begun = time.monotonic()
        rebuilt = Rebuilt(lost=self._lost())
        if rebuilt.lost and not from_earliest:
            raise CannotRebuild(_what_is_lost(self._interactions.log, rebuilt.lost))
        engaged_from = await self._engaged_from()
        notes = {partition: {ENGAGED_FROM: b"%d" % offset} for partition, offset in engaged_from.items()}
        signal_values = await _begin(self._items, self._signals, notes)
        profile_values = await _begin(self._profiles, self._interactions)
        items = ItemsRebuild(
            self._log,
            signal_values,
            self._signals.log,
            namespace=self._namespace,
            min_users=self._min_users,
            engaged_from=engaged_from,
        )
        profiles = ProfilesRebuild(self._log, profile_values, items, self._control_records)
        rebuilt.items = await items.take_catalogue()
        done = await self._counted(signal_values, self._signals)
        for partition in self._signals.log.extents:
            rebuilt.signals += await items.replay(partition, self._signals.target(partition), done)
        done = await self._counted(profile_values, self._interactions)
        for partition in self._interactions.log.extents:
            topic = self._interactions.log.topic
            rebuilt.events += await profiles.replay(topic, partition, self._interactions.target(partition), done)
        # In this order: workers that go back on events.interactions tell state.signals once more what comes after.
        for spaces, source in ((self._profiles, self._interactions), (self._items, self._signals)):
            await spaces.switch({partition: source.target(partition) for partition in source.log.extents})
        for spaces in (self._profiles, self._items):
            rebuilt.removed_keys += await spaces.clear()
        rebuilt.seconds = round(time.monotonic() - begun, 3)
        rebuilt.events_per_s = round(rebuilt.events / max(rebuilt.seconds, 1e-3), 1)
        return rebuilt

    async def _engaged_from(self) -> dict[int, int]:
        """By partition, the first signal whose engagements are of events.interactions as it is now."""
        extents = self._signals.log.extents
        made_from = set((await self._profiles.noted(TOPIC_ID)).values()) - {None}
        if made_from <= {self._interactions.log.topic_id.encode()}:
            return await self._noted_engaged_from()
        # The workers take nothing of a topic that was made anew: all that was told is of the one before.
        if late := {p: extent.end for p, extent in extents.items() if self._signals.target(p) < extent.end - 1}:
            raise CannotRebuild(_what_is_told_still(self._signals, late))
        return {partition: extent.end for partition, extent in extents.items()}

    async def _noted_engaged_from(self) -> dict[int, int]:
        """What an earlier rebuild found, if that was of this state.signals."""
        offsets, made_from = await self._items.noted(ENGAGED_FROM), await self._items.noted(TOPIC_ID)
        ours = self._signals.log.topic_id.encode()
        noted = {p: offsets.get(p) or b"" for p in self._signals.log.extents}
        return {p: int(found) if made_from.get(p) == ours and found.isdigit() else 0 for p, found in noted.items()}

    async def _counted(self, store: PartitionStore, source: Source) -> Done:
        """Told of records, it tells of the progress."""
        positions = await store.positions(sorted(source.log.extents))
        of = sum(max(source.target(partition) - position, 0) for partition, position in positions.items())
        total = 0

        def done(more: int) -> None:
            nonlocal total
            total += more
            self._progress(source.log.topic, total, of)

        return done

    def _lost(self) -> dict[int, int]:
        extents = self._interactions.log.extents
        return {partition: extent.first for partition, extent in extents.items() if extent.first > 0}


async def _begin(
    spaces: Spaces, source: Source, notes: Mapping[int, Mapping[str, bytes]] = MappingProxyType({})
) -> PartitionStore:
    """The new space, in which every partition knows its topic and is at least where the topic begins."""
    topic_id = source.log.topic_id.encode()
    store = await spaces.begin(TOPIC_ID, topic_id)
    held = await store.positions(list(source.log.extents))
    begun = [
        Commit(
            partition,
            held[partition],
            max(held[partition], extent.first - 1),
            {TOPIC_ID: topic_id, **notes.get(partition, {})},
        )
        for partition, extent in source.log.extents.items()
    ]
    for partition, position in (await store.commit(begun)).items():
        await conflict(partition, position)
    return store


def _what_is_told_still(signals: Source, ends: Mapping[int, int]) -> str:
    waiting = sum(end - 1 - signals.target(partition) for partition, end in ends.items())
    return (
        f"events.interactions was made anew, and {waiting} records of {signals.log.topic} that tell of the one before "
        "are not handled yet, or Kafka does not know of it yet: let the items worker run for a minute, then try again. "
        "Nothing was changed"
    )


def _what_is_lost(log: Log, lost: Mapping[int, int]) -> str:
    return (
        f"{log.topic} no longer has its first {sum(lost.values())} records, in {len(lost)} of {len(log.extents)} "
        "partitions: a state made from what is left knows nothing of what users did before. Restore Redis from a "
        "backup instead (the workers replay what came since), or accept the loss with "
        "`sightline rebuild --from-earliest`. Nothing was changed"
    )
