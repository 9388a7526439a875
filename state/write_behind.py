"""Profiles as the one writer of their partitions holds them: read once, changed in memory, stored a moment later.

The store stays what decides: it takes a commit only where its position still is what this writer stored last, so a
writer that was replaced, or a store that lost writes, is noticed, and what is held is dropped (docs/adr/0008).
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from features.profile import Profile
from state.profiles import ProfileCommit, ProfileStore

#: Profiles kept of a partition beyond those that wait to be stored; one takes about 3 KiB.
PROFILES_LIMIT = 4096


class PartitionCache:
    """One partition: the profiles in memory are those after `position`, the store holds those after `stored`."""

    __slots__ = ("_changed", "_storing", "position", "profiles", "stored")

    def __init__(self, position: int) -> None:
        self.position = position
        self.stored = position
        #: By user, the one that changed last at the end.
        self.profiles: dict[str, Profile] = {}
        self._changed: dict[str, Profile] = {}
        self._storing: dict[str, Profile] = {}

    def advance(self, position: int, profiles: Mapping[str, Profile]) -> None:
        """Events up to `position` were applied and left these profiles."""
        self.position = position
        self._changed.update(profiles)
        for user, profile in profiles.items():
            self.profiles.pop(user, None)
            self.profiles[user] = profile

    def drain(self) -> dict[str, Profile]:
        """What changed since the last call, to be stored."""
        self._storing, self._changed = self._changed, {}
        return self._storing

    def taken(self, position: int) -> None:
        """What was taken is stored, up to `position`."""
        self._storing = {}
        self.stored = position

    def trim(self, limit: int) -> None:
        """Forget the profiles unchanged for longest over `limit`, never one that the store does not have yet."""
        for user in list(islice(self.profiles, max(len(self.profiles) - limit, 0))):
            if user not in self._changed and user not in self._storing:
                del self.profiles[user]


class WriteBehindProfiles:
    """What a worker holds of each of its partitions. One caller loads and advances, one at a time takes and commits."""

    def __init__(self, store: ProfileStore, *, limit: int = PROFILES_LIMIT) -> None:
        self._store = store
        self._limit = limit
        self._held: dict[int, PartitionCache] = {}

    def drop(self) -> None:
        """Forget everything: partitions came or went, or what was taken did not reach the store."""
        self._held = {}

    def drop_partition(self, partition: int) -> None:
        """Forget what is held of one partition: the store went back."""
        self._held.pop(partition, None)

    async def load(self, users: Mapping[int, Sequence[str]]) -> tuple[dict[int, PartitionCache], dict[int, int]]:
        """The partitions with at least these users' profiles, read in one round trip where they are not in memory.

        Also the store's positions of those partitions that it turned out to have moved by itself: they were taken up
        again from there. Raises what the store raises.
        """
        moved: dict[int, int] = {}
        for held in self._held.values():
            held.trim(self._limit)
        while missing := self._missing(users):
            stored = {partition: self._held[partition].stored for partition in missing if partition in self._held}
            for partition, found in (await self._store.load(missing)).items():
                known = self._held.get(partition)
                # A profile that is not in memory has no event in between: any of these positions gives the same one.
                if known is not None and not stored.get(partition, -1) <= found.position <= known.position:
                    moved[partition] = found.position
                    known = None
                if known is None:
                    known = self._held[partition] = PartitionCache(found.position)
                for user, profile in found.profiles.items():
                    known.profiles.setdefault(user, profile)
        return {partition: self._held[partition] for partition in users}, moved

    def drain(self) -> list[tuple[PartitionCache, ProfileCommit]]:
        """What is to be stored now. If it cannot be, `drop`: a later commit would lack it."""
        return [
            (held, ProfileCommit(partition, held.stored, held.position, held.drain()))
            for partition, held in self._held.items()
            if held.position > held.stored
        ]

    async def commit(
        self, taken: Sequence[tuple[PartitionCache, ProfileCommit]]
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Store it: the positions stored, and the store's own where it refused; those partitions are dropped.

        What was dropped in between is stored as well, but no longer spoken of.
        """
        refused = await self._store.commit([commit for _, commit in taken])
        current = [(held, commit) for held, commit in taken if self._held.get(commit.partition) is held]
        stored: dict[int, int] = {}
        for held, commit in current:
            if commit.partition in refused:
                del self._held[commit.partition]
            else:
                held.taken(commit.position)
                stored[commit.partition] = commit.position
        return stored, {c.partition: refused[c.partition] for _, c in current if c.partition in refused}

    def _missing(self, users: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        missing = {}
        for partition, names in users.items():
            held = self._held.get(partition)
            unknown = list(names) if held is None else [user for user in names if user not in held.profiles]
            if unknown or held is None:
                missing[partition] = unknown
        return missing
