"""Profiles in the memory of their partition's one writer: read once, changed in memory, stored a moment later.

The store decides: it takes a commit only if its position still is the one that this writer stored last. So a replaced
writer and a store that lost writes are noticed, and the cached profiles are dropped (docs/adr/0008).
"""

from collections.abc import Mapping, Sequence

from features.fingerprints import count
from features.profile import Profile
from state.profiles import ProfileCommit, ProfileStore

#: Profiles cached for a partition, besides those that wait to be stored; one takes about 3 KiB. One of a long history
#: takes more, and the place of several.
PROFILES_LIMIT = 4096
_FINGERPRINTS_EACH = 768


class PartitionCache:
    """One partition: the cached profiles are as of `position`, those in the store as of `stored`."""

    __slots__ = ("_changed", "_places", "_storing", "position", "profiles", "stored")

    def __init__(self, position: int) -> None:
        self.position = position
        self.stored = position
        #: By user; the profile that changed last stands last.
        self.profiles: dict[str, Profile] = {}
        self._places = 0
        self._changed: dict[str, Profile] = {}
        self._storing: dict[str, Profile] = {}

    def advance(self, position: int, profiles: Mapping[str, Profile]) -> None:
        """Note that events up to `position` were applied and changed these profiles."""
        self.position = position
        self._changed.update(profiles)
        for user, profile in profiles.items():
            self._forget(user)
            self._keep(user, profile)

    def found(self, profiles: Mapping[str, Profile]) -> None:
        """Note what the store has of these users, unless a later profile is in memory."""
        for user, profile in profiles.items():
            if user not in self.profiles:
                self._keep(user, profile)

    def drain(self) -> dict[str, Profile]:
        """Return the profiles that changed since the last call, to be stored."""
        self._storing, self._changed = self._changed, {}
        return self._storing

    def note_stored(self, position: int) -> None:
        """Note that the profiles of the last `drain` are stored, up to `position`."""
        self._storing = {}
        self.stored = position

    def trim(self, limit: int) -> None:
        """Drop the profiles over `limit` that changed longest ago, never one that the store does not have yet."""
        dropped, excess = [], self._places - limit
        for user, profile in self.profiles.items():
            if excess <= 0:
                break
            if user not in self._changed and user not in self._storing:
                dropped.append(user)
                excess -= _places_of(profile)
        for user in dropped:
            self._forget(user)

    def _keep(self, user: str, profile: Profile) -> None:
        self.profiles[user] = profile
        self._places += _places_of(profile)

    def _forget(self, user: str) -> None:
        profile = self.profiles.pop(user, None)
        self._places -= 0 if profile is None else _places_of(profile)


def _places_of(profile: Profile) -> int:
    """How many usual profiles take as much memory as this one."""
    sets = (*profile.seen_before, *profile.refused_before, *profile.events_before)
    return 1 + count(sets) // _FINGERPRINTS_EACH


class WriteBehindProfiles:
    """The cached partitions of a worker. One task loads and advances; one task at a time drains and commits."""

    def __init__(self, store: ProfileStore, *, limit: int = PROFILES_LIMIT) -> None:
        self._store = store
        self._limit = limit
        self._held: dict[int, PartitionCache] = {}

    def drop(self) -> None:
        """Drop all partitions: the assignment changed, or taken profiles did not reach the store."""
        self._held = {}

    def drop_partition(self, partition: int) -> None:
        """Drop one partition: the store went back."""
        self._held.pop(partition, None)

    async def load(self, users: Mapping[int, Sequence[str]]) -> tuple[dict[int, PartitionCache], dict[int, int]]:
        """Return the partitions with at least these users' profiles; one round trip reads those not in memory.

        The second result has the stored positions of partitions whose store moved by itself; they were loaded again
        from there. Raises the errors of the store.
        """
        moved: dict[int, int] = {}
        for held in self._held.values():
            held.trim(self._limit)
        while missing := self._missing(users):
            stored = {partition: self._held[partition].stored for partition in missing if partition in self._held}
            for partition, found in (await self._store.load(missing)).items():
                known = self._held.get(partition)
                # A profile that is not in memory did not change between `stored` and `position`.
                if known is not None and not stored.get(partition, -1) <= found.position <= known.position:
                    moved[partition] = found.position
                    known = None
                if known is None:
                    known = self._held[partition] = PartitionCache(found.position)
                known.found(found.profiles)
        return {partition: self._held[partition] for partition in users}, moved

    def drain(self) -> list[tuple[PartitionCache, ProfileCommit]]:
        """Return what to store now. If that fails, call `drop`: a later commit would lack it."""
        return [
            (held, ProfileCommit(partition, held.stored, held.position, held.drain()))
            for partition, held in self._held.items()
            if held.position > held.stored
        ]

    async def commit(
        self, taken: Sequence[tuple[PartitionCache, ProfileCommit]]
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Store what was taken; return the positions stored, and the store's positions of partitions that refused.

        Refusing partitions are dropped. A partition dropped in between is stored too, and in neither result.
        """
        refused = await self._store.commit([commit for _, commit in taken])
        current = [(held, commit) for held, commit in taken if self._held.get(commit.partition) is held]
        stored: dict[int, int] = {}
        for held, commit in current:
            if commit.partition in refused:
                del self._held[commit.partition]
            else:
                held.note_stored(commit.position)
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
