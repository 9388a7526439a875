"""What a worker holds of its partitions, against a store that others can move."""

from collections.abc import Mapping, Sequence

import pytest

from features.profile import NEW, Profile
from state.memory import MemoryPartitions
from state.partitions import START, Commit, Loaded
from state.profiles import LoadedProfiles, ProfileCommit, ProfileStore
from state.write_behind import PartitionCache, WriteBehindProfiles
from tests.harness.catalog import act, profile_of

RED = profile_of(act("red-0"))
BLUE = profile_of(act("blue-0"))


class Counting(MemoryPartitions):
    """Counts the round trips."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        self.loads += 1
        return await super().load(wanted)


@pytest.fixture
def partitions() -> Counting:
    return Counting()


@pytest.fixture
def store(partitions: Counting) -> ProfileStore:
    return ProfileStore(partitions)


@pytest.fixture
def profiles(store: ProfileStore) -> WriteBehindProfiles:
    return WriteBehindProfiles(store)


async def advance(profiles: WriteBehindProfiles, position: int, **changed: Profile) -> None:
    """Partition 0 comes to `position` with these profiles."""
    held, _ = await profiles.load({0: list(changed)})
    held[0].advance(position, changed)


async def stored(store: ProfileStore, user: str) -> tuple[int, Profile]:
    found = (await store.load({0: [user]}))[0]
    return found.position, found.profiles[user]


def same(one: Profile, other: Profile) -> bool:
    return one.count == other.count and one.engaged.tolist() == other.engaged.tolist()


async def test_a_partition_is_taken_up_where_the_store_is(profiles: WriteBehindProfiles, store: ProfileStore) -> None:
    await store.commit([ProfileCommit(0, START, 7, {"u1": RED})])

    held, moved = await profiles.load({0: ["u1", "u2"]})

    assert (held[0].position, held[0].stored, moved) == (7, 7, {})
    assert same(held[0].profiles["u1"], RED)
    assert held[0].profiles["u2"] is NEW


async def test_what_is_in_memory_is_not_read_again(profiles: WriteBehindProfiles, partitions: Counting) -> None:
    await profiles.load({0: ["u1"]})
    await profiles.load({0: ["u1"]})
    assert partitions.loads == 1
    await profiles.load({0: ["u1", "u2"]})
    assert partitions.loads == 2


async def test_what_was_applied_is_stored_when_taken_and_committed(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 3, u1=RED)
    assert (await stored(store, "u1"))[0] == START

    assert await profiles.commit(profiles.drain()) == ({0: 3}, {})

    position, profile = await stored(store, "u1")
    assert position == 3
    assert same(profile, RED)
    assert profiles.drain() == []


async def test_what_is_applied_while_a_commit_is_under_way_goes_with_the_next(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 3, u1=RED)
    taken = profiles.drain()
    await advance(profiles, 5, u1=BLUE, u2=BLUE)

    assert await profiles.commit(taken) == ({0: 3}, {})
    assert same((await stored(store, "u1"))[1], RED)
    assert await profiles.commit(profiles.drain()) == ({0: 5}, {})
    assert same((await stored(store, "u1"))[1], BLUE)


async def test_a_position_without_a_changed_profile_is_stored_too(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 4)
    await profiles.commit(profiles.drain())
    assert (await stored(store, "u1"))[0] == 4


async def test_a_refused_commit_drops_the_partition_and_tells_where_the_store_is(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 3, u1=RED)
    await store.commit([ProfileCommit(0, START, 9, {"u1": BLUE})])

    assert await profiles.commit(profiles.drain()) == ({}, {0: 9})

    held, _ = await profiles.load({0: ["u1"]})
    assert held[0].position == 9
    assert same(held[0].profiles["u1"], BLUE)


async def test_what_was_dropped_while_it_was_committed_is_not_spoken_of(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 3, u1=RED)
    taken = profiles.drain()
    profiles.drop()
    assert await profiles.commit(taken) == ({}, {})
    assert (await profiles.load({0: ["u1"]}))[0][0].position == 3


async def test_a_store_that_others_moved_is_noticed_when_a_profile_is_read(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 3, u1=RED)
    await store.commit([ProfileCommit(0, START, 9, {"u1": BLUE, "u2": BLUE})])

    held, moved = await profiles.load({0: ["u1", "u2"]})

    assert (moved, held[0].position) == ({0: 9}, 9)
    assert same(held[0].profiles["u1"], BLUE)


async def test_a_store_that_went_back_is_noticed_when_a_profile_is_read(
    profiles: WriteBehindProfiles, partitions: Counting
) -> None:
    await advance(profiles, 3, u1=RED)
    await profiles.commit(profiles.drain())
    partitions._positions[0] = 1

    assert (await profiles.load({0: ["u2"]}))[1] == {0: 1}


async def test_a_profile_read_while_a_commit_lands_is_no_conflict(partitions: Counting) -> None:
    taken: list[tuple[PartitionCache, ProfileCommit]] = []
    held_profiles: list[WriteBehindProfiles] = []

    class Slow(ProfileStore):
        """Has the answer of a load arrive after a commit that was made later."""

        async def load(self, users: Mapping[int, Sequence[str]]) -> dict[int, LoadedProfiles]:
            found = await super().load(users)
            if taken:
                await held_profiles[0].commit([taken.pop()])
            return found

    profiles = WriteBehindProfiles(Slow(partitions))
    held_profiles.append(profiles)
    await advance(profiles, 3, u1=RED)
    taken += profiles.drain()

    held, moved = await profiles.load({0: ["u2"]})

    assert (moved, held[0].stored) == ({}, 3)


async def test_over_the_limit_the_profiles_unchanged_for_longest_are_forgotten(store: ProfileStore) -> None:
    profiles = WriteBehindProfiles(store, limit=2)
    for position, user in enumerate(["u1", "u2", "u3", "u1"]):
        await advance(profiles, position, **{user: RED})
    await profiles.commit(profiles.drain())

    held, _ = await profiles.load({0: ["u1"]})

    assert list(held[0].profiles) == ["u3", "u1"]


async def test_what_is_not_stored_yet_is_never_forgotten(store: ProfileStore) -> None:
    profiles = WriteBehindProfiles(store, limit=1)
    await advance(profiles, 0, u1=RED)
    taken = profiles.drain()
    await advance(profiles, 1, u2=RED)
    await advance(profiles, 2, u3=RED)
    held, _ = await profiles.load({0: ["u3"]})
    assert list(held[0].profiles) == ["u1", "u2", "u3"]

    await profiles.commit(taken)
    held, _ = await profiles.load({0: ["u3"]})
    assert list(held[0].profiles) == ["u2", "u3"]


async def test_a_commit_that_was_made_before_counts_as_made(
    profiles: WriteBehindProfiles, partitions: Counting
) -> None:
    await advance(profiles, 3, u1=RED)
    taken = profiles.drain()
    await partitions.commit([Commit(0, START, 3, {})])
    assert await profiles.commit(taken) == ({0: 3}, {})


async def test_a_partition_that_is_dropped_is_taken_up_where_the_store_is(
    profiles: WriteBehindProfiles, store: ProfileStore
) -> None:
    await advance(profiles, 3, u1=RED)
    profiles.drop_partition(0)

    held, moved = await profiles.load({0: ["u1"]})

    assert (held[0].position, held[0].profiles["u1"], moved) == (START, NEW, {})
    assert profiles.drain() == []


async def test_dropping_a_partition_that_is_not_held_changes_nothing(profiles: WriteBehindProfiles) -> None:
    await advance(profiles, 3, u1=RED)
    profiles.drop_partition(1)
    assert [commit.position for _, commit in profiles.drain()] == [3]


async def test_a_profile_of_a_long_history_takes_the_place_of_several(store: ProfileStore) -> None:
    profiles = WriteBehindProfiles(store, limit=4)
    long = profile_of(*(act(f"red-{n}", 0.05) for n in range(2_000)))
    for number, (user, profile) in enumerate({"u1": RED, "u2": RED, "long": long, "u3": RED}.items()):
        await advance(profiles, number, **{user: profile})
        await profiles.commit(profiles.drain())

    held, _ = await profiles.load({0: ["u3"]})
    assert list(held[0].profiles) == ["u3"]

    await advance(profiles, 4, long=NEW)
    await profiles.commit(profiles.drain())
    held, _ = await profiles.load({0: ["u1", "u2"]})
    held, _ = await profiles.load({0: ["u2"]})
    assert list(held[0].profiles) == ["u3", "long", "u1", "u2"]
