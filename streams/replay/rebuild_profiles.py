"""The rebuild of profiles: applies events.interactions with the agents' own reducer."""

from collections.abc import Sequence
from itertools import islice

from features.co_choices.choice import Choice, Linking
from state.partitions import PartitionStore
from state.profiles import ProfileStore
from state.write_behind import WriteBehindProfiles
from streams.kafka.log_reader import LogReader
from streams.privacy.control_records import ControlRecords
from streams.replay.folds import InteractionsReplay
from streams.replay.rebuild_items import Done, ItemsRebuild, conflict
from streams.wire.records import Record

_BATCH_SIZE = 1000
#: The number of profiles cached in memory; one takes about 3 KiB.
_CACHED_PROFILES = 20_000


class ProfilesRebuild:
    """Fills the new space of events.interactions, and passes the choices on to the rebuild of items."""

    def __init__(
        self,
        log: LogReader,
        values: PartitionStore,
        items: ItemsRebuild,
        control_records: ControlRecords,
        linking: Linking,
    ) -> None:
        self._log = log
        self._values = values
        self._profiles = WriteBehindProfiles(ProfileStore(values), limit=_CACHED_PROFILES)
        self._items = items
        self._control_records = control_records
        self._linking = linking

    async def replay(self, topic: str, partition: int, target: int, done: Done) -> int:
        """Apply the events of a partition up to `target`; return the number of records."""
        position = (await self._values.positions([partition]))[partition]
        count = 0
        records = self._log.read(topic, partition, position + 1, target + 1)
        while batch := list(islice(records, _BATCH_SIZE)):
            await self._apply(partition, batch)
            count += len(batch)
            done(len(batch))
        await self._end(partition, target)
        return count

    async def _apply(self, partition: int, records: Sequence[Record]) -> None:
        # A record whose key is not its user's id changes nothing, so the keys name all users.
        users = {record.key.decode(errors="replace") for record in records if record.key is not None}
        cache = (await self._profiles.load({partition: sorted(users)}))[0][partition]
        before = {user: cache.profiles[user] for user in users}
        replay = InteractionsReplay(cache.position, self._control_records, self._linking, profiles=dict(before))
        choices: list[Choice] = []
        for record in records:
            choices += replay.apply(record)
        # Items are stored before profiles: after an interruption, `choose` skips the choices it applied before.
        await self._items.choose(choices)
        changed = {user: profile for user, profile in replay.profiles.items() if profile is not before[user]}
        cache.advance(replay.position, changed)
        await self._store()

    async def _end(self, partition: int, target: int) -> None:
        """Store `target` as the position: the last offsets before it may hold no record."""
        cache = (await self._profiles.load({partition: []}))[0][partition]
        if cache.position < target:
            cache.advance(target, {})
            await self._store()
        self._profiles.drop()

    async def _store(self) -> None:
        _, refused = await self._profiles.commit(self._profiles.drain())
        for partition, position in refused.items():
            await conflict(partition, position)
