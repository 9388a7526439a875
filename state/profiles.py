"""Users' profiles. A profile lies in the partition of events.interactions that its user's events come from."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from features.item import hash_of
from features.privacy import expires_ms
from features.profile import DAY_MS, NEW, Profile
from sightline_client.routing import partition_of
from state.codec import decode_profile, encode_profile
from state.partitions import Commit, PartitionStore

#: A marker of a forgotten user is kept at least this long: a replay of an old log meets the late events after it.
REPLAY_MS: Final = DAY_MS


@dataclass(frozen=True, slots=True)
class LoadedProfiles:
    """A partition's position and its profiles by user; a user without history has NEW."""

    position: int
    profiles: dict[str, Profile]


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A user's profile, NEW without history, in a partition that is at this position."""

    partition: int
    position: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class ProfileCommit:
    """The changes of one micro-batch in one partition (see `state.partitions.Commit`)."""

    partition: int
    expected: int
    position: int
    profiles: Mapping[str, Profile]


class ProfileStore:
    """Profiles on any PartitionStore. Methods raise the errors of the store, and StateCorrupt."""

    def __init__(
        self, store: PartitionStore, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._store = store
        self._clock_ms = clock_ms

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """Return the last offset applied in each partition; START before the first."""
        return await self._store.positions(partitions)

    async def load(self, users: Mapping[int, Sequence[str]]) -> dict[int, LoadedProfiles]:
        """Read the profiles of users, given by partition, in one round trip."""
        loaded = await self._store.load({p: [profile_name(user) for user in names] for p, names in users.items()})
        return {
            partition: LoadedProfiles(
                found.position,
                {
                    user: NEW if value is None else decode_profile(value)
                    for user, value in zip(users[partition], found.values, strict=True)
                },
            )
            for partition, found in loaded.items()
        }

    async def read(self, user_id: str, partitions: int) -> StoredProfile:
        """Read the profile of one user, where the topic has this many partitions."""
        partition = partition_of(user_id.encode(), partitions)
        loaded = (await self.load({partition: [user_id]}))[partition]
        return StoredProfile(partition, loaded.position, loaded.profiles[user_id])

    async def commit(self, commits: Sequence[ProfileCommit]) -> dict[int, int]:
        """Write profiles and positions in one round trip; return the stored position of each partition that refused."""
        return await self._store.commit(
            [
                Commit(
                    commit.partition,
                    commit.expected,
                    commit.position,
                    {profile_name(user): encode_profile(profile) for user, profile in commit.profiles.items()},
                    self._expiries(commit.profiles),
                )
                for commit in commits
            ]
        )

    def _expiries(self, profiles: Mapping[str, Profile]) -> dict[str, int]:
        """Return when values expire (Unix ms, by name), never before REPLAY_MS from now."""
        soonest_ms = self._clock_ms() + REPLAY_MS
        ends = {profile_name(user): expires_ms(profile) for user, profile in profiles.items()}
        return {name: max(at_ms, soonest_ms) for name, at_ms in ends.items() if at_ms is not None}


def profile_name(user_id: str) -> str:
    """Return the name of a user's profile. It does not contain the user's id."""
    return f"profile:{hash_of(user_id)}"
