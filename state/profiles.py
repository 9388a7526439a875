"""Users' profiles, in the partition of events.interactions that their events come from."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from features.item import hash_of
from features.privacy import expires_ms
from features.profile import DAY_MS, NEW, Profile
from state.codec import decode_profile, encode_profile
from state.partitions import Commit, PartitionStore

#: Whoever replays an older log meets late events of users forgotten long ago soon after it has stored that they were.
REPLAY_MS: Final = DAY_MS


@dataclass(frozen=True, slots=True)
class LoadedProfiles:
    """A partition's position and its profiles by user; a user without history has the NEW one."""

    position: int
    profiles: dict[str, Profile]


@dataclass(frozen=True, slots=True)
class ProfileCommit:
    """What one micro-batch changes in one partition (see `state.partitions.Commit`)."""

    partition: int
    expected: int
    position: int
    profiles: Mapping[str, Profile]


class ProfileStore:
    """Profiles on any PartitionStore; its methods raise what the store raises, and StateCorrupt."""

    def __init__(
        self, store: PartitionStore, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._store = store
        self._clock_ms = clock_ms

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """The last offset applied in each partition; START where none was."""
        return await self._store.positions(partitions)

    async def load(self, users: Mapping[int, Sequence[str]]) -> dict[int, LoadedProfiles]:
        """The profiles of some users of several partitions: one round trip."""
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

    async def commit(self, commits: Sequence[ProfileCommit]) -> dict[int, int]:
        """Write changed profiles with their positions: one round trip; the actual position where it was refused."""
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
        """By name, of what may go some day; not before what follows in an old log could be replayed."""
        soonest_ms = self._clock_ms() + REPLAY_MS
        ends = {profile_name(user): expires_ms(profile) for user, profile in profiles.items()}
        return {name: max(at_ms, soonest_ms) for name, at_ms in ends.items() if at_ms is not None}


def profile_name(user_id: str) -> str:
    """The name under which a user's profile is kept: it does not hold the user's id."""
    return f"profile:{hash_of(user_id)}"
