"""Recomputes the state from the Kafka log alone, and reports where Redis or the lists differ (docs/verify.md).

The workers may run meanwhile. Values of Redis are read together with their position, and the replay continues to
exactly that position before the two are compared.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from features.co_choices.choice import LINKING, Linking
from features.privacy import without_lapsed
from features.profile import NEW, Profile, seen_on_day
from state.profiles import ProfileStore
from state.redis import RedisPartitions, connect
from state.signals import SignalStore
from streams.credentials import kafka_security, redis_access
from streams.errors import CannotVerify
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.privacy.control_records import UNSIGNED, ControlRecords, control_keys
from streams.replay.differences import balance, chunks, lacks_only_today, profile_difference, recent_difference
from streams.replay.replayer import Progress, Replayer
from streams.replay.report import Difference, Report
from streams.replay.verify_items import ItemsVerification
from streams.replay.verify_outputs import compare_letters, compare_lists
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.signals import linking_of
from streams.wire.topics import INTERACTIONS


async def verify_state(
    settings: Settings, kafka: str, redis: str, *, progress: Progress = lambda _what, _done, _of: None
) -> Report:
    """A report on the topics and the state of these settings; raises the errors of `Verification.verify`."""
    client = connect(redis, access=redis_access(settings))
    log = KafkaLogReader(kafka, security=kafka_security(settings))
    try:
        namespace, partitions = Namespace(settings.topic_prefix), settings.partitions
        profiles = ProfileStore(RedisPartitions(client, namespace.profile_keys, observe=_unobserved))
        signals = SignalStore(RedisPartitions(client, namespace.item_keys, observe=_unobserved), partitions)
        control_records = ControlRecords(*control_keys(settings.control_key))
        return await Verification(
            log,
            profiles,
            signals,
            control_records,
            namespace=namespace,
            partitions=partitions,
            min_users=settings.trends_min_users,
            linking=linking_of(settings),
            progress=progress,
        ).verify()
    finally:
        log.close()
        await client.aclose()


class Verification:
    """Compares the state of one namespace with its log."""

    def __init__(
        self,
        log: LogReader,
        profiles: ProfileStore,
        signals: SignalStore,
        control_records: ControlRecords = UNSIGNED,
        *,
        namespace: Namespace,
        partitions: int,
        min_users: int = 1,
        linking: Linking = LINKING,
        progress: Progress = lambda _what, _done, _of: None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._log = log
        self._profiles = profiles
        self._signals = signals
        self._namespace = namespace
        self._partitions = range(partitions)
        self._progress = progress
        self._control_records = control_records
        self._min_users = min_users
        self._linking = linking
        self._clock_ms = clock_ms

    async def verify(self) -> Report:
        """Compare everything; raises CannotVerify, BrokerUnavailable, StateUnavailable and StateCorrupt."""
        report = Report(len(self._partitions))
        positions = await self._profiles.positions(self._partitions)
        # The log is read after the positions, because workers publish the effect of a position before they store it.
        replayer = Replayer(
            self._log,
            namespace=self._namespace,
            partitions=len(self._partitions),
            progress=self._progress,
            control_records=self._control_records,
            linking=self._linking,
        )
        _check_extents(replayer, positions, report)
        replayer.start(positions)
        _count(replayer, report)
        # Later steps may advance the replayer to newer events. Lists and dead letters are compared at these positions.
        refused = {p: list(replay.refused) for p, replay in replayer.interactions.items()}
        withdrawn = {user: p for p, replay in replayer.interactions.items() for user in replay.withdrawn}
        compare_lists(replayer, replayer.last_events(), withdrawn, positions, report)
        for partition in self._partitions:
            await self._compare_profiles(replayer, partition, report)
        await self._items(replayer, positions, report).compare(self._partitions)
        compare_letters(replayer, self._namespace, refused, report)
        return report

    def _items(self, replayer: Replayer, positions: Mapping[int, int], report: Report) -> ItemsVerification:
        return ItemsVerification(self._signals, replayer, positions, report, min_users=self._min_users)

    async def _compare_profiles(self, replayer: Replayer, partition: int, report: Report) -> None:
        whole = replayer.extents[partition].first == 0
        for users in chunks(list(replayer.interactions[partition].profiles)):
            loaded = (await self._profiles.load({partition: users}))[partition]
            replay = replayer.advance(partition, loaded.position)
            now_ms = self._clock_ms()
            for user in users:
                expected = _as_of(now_ms, replay.profiles[user])
                stored = _as_of(now_ms, loaded.profiles.get(user, NEW))
                compare_profile(user, expected, stored, report, whole=whole)


def compare_profile(user: str, expected: Profile, stored: Profile, report: Report, *, whole: bool) -> None:
    """Report how a stored profile differs. Unless `whole`, events were deleted, and only part of it can be compared."""
    if whole and lacks_only_today(expected, stored):
        report.uncounted_days += 1
        return
    if whole:
        (lost, doubled), where = balance(expected, stored), profile_difference(expected, stored)
    elif expected.privacy != stored.privacy:
        # A request that retention deleted emptied the profile, or kept events out of it.
        return
    else:
        (lost, where), doubled = recent_difference(expected, stored), 0
    report.lost += lost
    report.double_applied += doubled
    if where:
        report.different_profiles += 1
        report.show(Difference("profile", user, where))


def _as_of(now_ms: int, profile: Profile) -> Profile:
    """A profile as it counts now: a privacy marker may have expired, or a day ended, on one side of a comparison only.

    What was seen on a day that is over has no effect, and profiles that a release before wrote do not say it.
    """
    kept = without_lapsed(profile, now_ms)
    return replace(kept, seen_today=len(seen_on_day(kept, now_ms)))


def _check_extents(replayer: Replayer, positions: Mapping[int, int], report: Report) -> None:
    """Report pending and deleted events; raises CannotVerify if the positions belong to another topic."""
    for partition, extent in replayer.extents.items():
        position = positions[partition]
        if position >= extent.end:
            raise CannotVerify(
                f"Redis holds position {position} of events.interactions[{partition}], which ends at {extent.end - 1}: "
                "the topic was created anew, or this is another cluster's Redis"
            )
        report.pending += replayer.count(INTERACTIONS, partition, max(position + 1, extent.first), extent.end)
        deleted = extent.first - 1 - position
        if deleted > 0:
            report.lost += deleted
            report.incomplete.append(
                f"events.interactions[{partition}]: retention removed {deleted} events before they were applied"
            )
        if extent.first > 0:
            report.incomplete.append(
                f"profiles of partition {partition}: its log begins at offset {extent.first}, so profiles are compared "
                "by the last event ids and the counts alone"
            )


def _count(replayer: Replayer, report: Report) -> None:
    for replay in replayer.interactions.values():
        report.users += len(replay.profiles)
        report.events += replay.events
        report.duplicates += replay.duplicates
        report.late += replay.late
        report.requests += replay.requests
        report.refused += len(replay.refused)


def _unobserved(_op: str, _seconds: float | None) -> None:
    """Ignore the duration of a round trip: a check has no metrics."""
