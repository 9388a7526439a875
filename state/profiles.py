"""Users' profiles, in the partition of events.interactions that their events come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.item import hash_of
from features.privacy import expires_ms
from features.profile import NEW, Profile
from state.codec import decode_profile, encode_profile
from state.partitions import Commit, PartitionStore


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

    def __init__(self, store: PartitionStore) -> None:
        self._store = store

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
                    {
                        profile_name(user): at_ms
                        for user, profile in commit.profiles.items()
                        if (at_ms := expires_ms(profile)) is not None
                    },
                )
                for commit in commits
            ]
        )


def profile_name(user_id: str) -> str:
    """The name under which a user's profile is kept: it does not hold the user's id."""
    return f"profile:{hash_of(user_id)}"
