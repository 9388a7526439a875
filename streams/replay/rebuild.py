"""Rebuilds the state from the log beside the live state, and then replaces the live state (docs/operations.md).

The rebuild stops at the last offsets that the workers handled, so the workers still answer all later events. It stores
values together with their position, as the workers do, so an interrupted rebuild continues where it stopped.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from features.co_choices.choice import LINKING, Linking
from state.keys import Keys
from state.migration import refuse_old_keys
from state.partitions import START, Commit, PartitionStore
from state.redis import connect
from state.spaces import RedisSpaces, Spaces
from streams.credentials import kafka_security, redis_access
from streams.errors import CannotRebuild
from streams.kafka.admin import read_log
from streams.kafka.continuity import PARTITIONS, TOPIC_ID, Log, grown, topic_notes
from streams.kafka.groups import read_handled
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.privacy.control_records import ControlRecords, control_keys
from streams.replay.rebuild_items import Done, ItemsRebuild, conflict
from streams.replay.rebuild_profiles import ProfilesRebuild
from streams.replay.replayer import Progress
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.signals import linking_of

#: The name under which each partition of items stores an offset of state.signals. From that offset on, engagements come
#: from the present events.interactions; earlier ones come from a deleted topic of this name.
ENGAGED_FROM: Final = "engaged_from"


@dataclass(frozen=True, slots=True)
class Source:
    """A topic, and the last offset that the workers handled in each partition. Unhandled partitions are missing."""

    log: Log
    handled: Mapping[int, int]

    def target(self, partition: int) -> int:
        """The position up to which the partition is rebuilt."""
        extent = self.log.extents[partition]
        return max(min(self.handled.get(partition, START), extent.end - 1), extent.first - 1)


@dataclass(slots=True)
class Rebuilt:
    """The counts of a rebuild. `lost` has the number of deleted events per partition of events.interactions."""

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
    """Rebuild the state of these settings; raises the errors of `Rebuild.run`."""
    client = connect(redis, access=redis_access(settings))
    security = kafka_security(settings)
    log = KafkaLogReader(kafka, security=security)
    namespace, partitions = Namespace(settings.topic_prefix), settings.partitions

    def source(topic: topics.Topic, worker: str) -> Source:
        # Handled offsets are read before the extents. The workers apply everything after them again, and what an open
        # transaction holds back.
        handled = read_handled(kafka, namespace.group(worker), namespace.topic(topic), security=security)
        return Source(read_log(kafka, namespace.topic(topic), security=security, isolation="read_committed"), handled)

    def spaces(keys: Keys) -> RedisSpaces:
        return RedisSpaces(client, keys, partitions, observe=lambda _op, _seconds: None)

    try:
        await refuse_old_keys(client, namespace.prefix, partitions)
        return await Rebuild(
            log,
            # state.signals is read first, so the event of each engagement lies before the end of events.interactions.
            source(topics.SIGNALS, "items"),
            source(topics.INTERACTIONS, "interactions"),
            profiles=spaces(namespace.profile_keys),
            items=spaces(namespace.item_keys),
            namespace=namespace,
            control_records=ControlRecords(*control_keys(settings.control_key)),
            min_users=settings.trends_min_users,
            linking=linking_of(settings),
            progress=progress,
        ).run(from_earliest=from_earliest)
    finally:
        log.close()
        await client.aclose()


class Rebuild:
    """One rebuild from state.signals and events.interactions."""

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
        linking: Linking = LINKING,
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
        self._linking = linking
        self._progress = progress

    async def run(self, *, from_earliest: bool = False) -> Rebuilt:
        """Rebuild everything and switch to it; raises CannotRebuild, BrokerUnavailable and StateUnavailable."""
        started = time.monotonic()
        rebuilt = Rebuilt(lost=self._lost())
        if rebuilt.lost and not from_earliest:
            raise CannotRebuild(_lost_events_message(self._interactions.log, rebuilt.lost))
        await _refuse_grown(self._profiles, self._interactions.log)
        await _refuse_grown(self._items, self._signals.log)
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
            linking=self._linking,
            engaged_from=engaged_from,
        )
        profiles = ProfilesRebuild(self._log, profile_values, items, self._control_records, self._linking)
        rebuilt.items = await items.take_catalogue()
        done = await self._progress_callback(signal_values, self._signals)
        for partition in self._signals.log.extents:
            rebuilt.signals += await items.replay(partition, self._signals.target(partition), done)
        done = await self._progress_callback(profile_values, self._interactions)
        for partition in self._interactions.log.extents:
            topic = self._interactions.log.topic
            rebuilt.events += await profiles.replay(topic, partition, self._interactions.target(partition), done)
        # Profiles switch first: workers that go back on events.interactions publish the later engagements again.
        for spaces, source in ((self._profiles, self._interactions), (self._items, self._signals)):
            await spaces.switch({partition: source.target(partition) for partition in source.log.extents})
        for spaces in (self._profiles, self._items):
            rebuilt.removed_keys += await spaces.clear()
        rebuilt.seconds = round(time.monotonic() - started, 3)
        rebuilt.events_per_s = round(rebuilt.events / max(rebuilt.seconds, 1e-3), 1)
        return rebuilt

    async def _engaged_from(self) -> dict[int, int]:
        """By partition, the first offset whose engagements come from the present events.interactions."""
        extents = self._signals.log.extents
        topic_ids = set((await self._profiles.noted(TOPIC_ID)).values()) - {None}
        if topic_ids <= {self._interactions.log.topic_id.encode()}:
            return await self._noted_engaged_from()
        # The workers refuse a recreated topic, so all engagements on state.signals come from the previous topic.
        if unhandled := {p: extent.end for p, extent in extents.items() if self._signals.target(p) < extent.end - 1}:
            raise CannotRebuild(_unhandled_signals_message(self._signals, unhandled))
        return {partition: extent.end for partition, extent in extents.items()}

    async def _noted_engaged_from(self) -> dict[int, int]:
        """The offsets that an earlier rebuild stored for the present state.signals; 0 where there is none."""
        offsets, topic_ids = await self._items.noted(ENGAGED_FROM), await self._items.noted(TOPIC_ID)
        topic_id = self._signals.log.topic_id.encode()
        noted = {p: offsets.get(p) or b"" for p in self._signals.log.extents}
        return {p: int(found) if topic_ids.get(p) == topic_id and found.isdigit() else 0 for p, found in noted.items()}

    async def _progress_callback(self, store: PartitionStore, source: Source) -> Done:
        """A callback that adds up the records done of a source and reports the progress."""
        positions = await store.positions(sorted(source.log.extents))
        total = sum(max(source.target(partition) - position, 0) for partition, position in positions.items())
        count = 0

        def done(more: int) -> None:
            nonlocal count
            count += more
            self._progress(source.log.topic, count, total)

        return done

    def _lost(self) -> dict[int, int]:
        extents = self._interactions.log.extents
        return {partition: extent.first for partition, extent in extents.items() if extent.first > 0}


async def _refuse_grown(spaces: Spaces, log: Log) -> None:
    """Raise CannotRebuild if partitions were added to a topic: it holds records of one key in two of them."""
    counts, ids = await spaces.noted(PARTITIONS), await spaces.noted(TOPIC_ID)
    for partition, count in counts.items():
        if problem := grown(log, ids.get(partition), count, so="the order of a user's events is lost"):
            raise CannotRebuild(f"{problem}. Nothing was changed")


async def _begin(
    spaces: Spaces, source: Source, notes: Mapping[int, Mapping[str, bytes]] = MappingProxyType({})
) -> PartitionStore:
    """The new space. Each partition stores its topic id, and its position is not before the start of the topic."""
    topic = topic_notes(source.log)
    store = await spaces.begin(TOPIC_ID, topic[TOPIC_ID])
    positions = await store.positions(list(source.log.extents))
    commits = [
        Commit(
            partition,
            positions[partition],
            max(positions[partition], extent.first - 1),
            {**topic, **notes.get(partition, {})},
        )
        for partition, extent in source.log.extents.items()
    ]
    for partition, position in (await store.commit(commits)).items():
        await conflict(partition, position)
    return store


def _unhandled_signals_message(signals: Source, ends: Mapping[int, int]) -> str:
    waiting = sum(end - 1 - signals.target(partition) for partition, end in ends.items())
    return (
        f"events.interactions was made anew, and {waiting} records of {signals.log.topic} that tell of the one before "
        "are not handled yet, or Kafka does not know of it yet: let the items worker run for a minute, then try again. "
        "Nothing was changed"
    )


def _lost_events_message(log: Log, lost: Mapping[int, int]) -> str:
    return (
        f"{log.topic} no longer has its first {sum(lost.values())} records, in {len(lost)} of {len(log.extents)} "
        "partitions: a state made from what is left knows nothing of what users did before. Restore Redis from a "
        "backup instead (the workers replay what came since), or accept the loss with "
        "`sightline rebuild --from-earliest`. Nothing was changed"
    )
