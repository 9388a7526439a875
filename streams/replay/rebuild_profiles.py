"""The half of a rebuild that makes profiles: events.interactions through the agents' pure functions."""

from collections.abc import Sequence
from itertools import islice

from features.behaviour import Engagement
from state.partitions import PartitionStore
from state.profiles import ProfileStore
from state.write_behind import WriteBehindProfiles
from streams.kafka.log_reader import LogReader
from streams.privacy.control_records import ControlRecords
from streams.replay.folds import InteractionsReplay
from streams.replay.rebuild_items import Done, ItemsRebuild, conflict
from streams.wire.records import Record

_AT_ONCE = 1000
#: Profiles kept in memory, about 3 KiB each.
_HELD = 20_000


class ProfilesRebuild:
    """Fills the new space of events.interactions, and tells items what users did."""

    def __init__(
        self, log: LogReader, values: PartitionStore, items: ItemsRebuild, control_records: ControlRecords
    ) -> None:
        self._log = log
        self._values = values
        self._profiles = WriteBehindProfiles(ProfileStore(values), limit=_HELD)
        self._items = items
        self._control_records = control_records

    async def replay(self, topic: str, partition: int, target: int, done: Done) -> int:
        """Apply the events of a partition up to `target`: how many records there were."""
        position = (await self._values.positions([partition]))[partition]
        count = 0
        records = self._log.read(topic, partition, position + 1, target + 1)
        while batch := list(islice(records, _AT_ONCE)):
            await self._apply(partition, batch)
            count += len(batch)
            done(len(batch))
        await self._end(partition, target)
        return count

    async def _apply(self, partition: int, records: Sequence[Record]) -> None:
        # A record whose key is not its user's changes nothing.
        users = {record.key.decode(errors="replace") for record in records if record.key is not None}
        held = (await self._profiles.load({partition: sorted(users)}))[0][partition]
        before = {user: held.profiles[user] for user in users}
        replay = InteractionsReplay(held.position, self._control_records, profiles=dict(before))
        told: list[Engagement] = []
        for record in records:
            told += replay.apply(record)
        # First what items are told: after an interruption, what they know of is passed over.
        await self._items.engage(told)
        changed = {user: profile for user, profile in replay.profiles.items() if profile is not before[user]}
        held.advance(replay.position, changed)
        await self._store()

    async def _end(self, partition: int, target: int) -> None:
        """Note that there is nothing more to apply up to `target`, whatever the last offsets are."""
        held = (await self._profiles.load({partition: []}))[0][partition]
        if held.position < target:
            held.advance(target, {})
            await self._store()
        self._profiles.drop()

    async def _store(self) -> None:
        _, refused = await self._profiles.commit(self._profiles.drain())
        for partition, position in refused.items():
            await conflict(partition, position)
