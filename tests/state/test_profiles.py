from collections.abc import Sequence

import pytest

from features.privacy import MARKER_MS, Request, apply_request
from features.profile import NEW
from sightline_client.routing import partition_of
from state.codec import encode_profile
from state.errors import StateCorrupt
from state.memory import MemoryPartitions
from state.partitions import START, Commit
from state.profiles import REPLAY_MS, ProfileCommit, ProfileStore, profile_name
from tests.harness.catalog import act, profile_of


@pytest.fixture
def partitions() -> MemoryPartitions:
    return MemoryPartitions()


@pytest.fixture
def store(partitions: MemoryPartitions) -> ProfileStore:
    return ProfileStore(partitions)


async def test_a_user_without_history_has_the_new_profile(store: ProfileStore) -> None:
    loaded = (await store.load({3: ["u1"]}))[3]

    assert loaded.position == START
    assert loaded.profiles == {"u1": NEW}


async def test_profiles_come_back_with_their_position(store: ProfileStore) -> None:
    one, other = profile_of(act("red-1")), profile_of(act("blue-1"), act("blue-2"))
    assert await store.commit([ProfileCommit(3, START, 8, {"u1": one, "u2": other})]) == {}

    loaded = (await store.load({3: ["u2", "u1"]}))[3]

    assert loaded.position == 8
    assert list(loaded.profiles) == ["u2", "u1"]
    assert [encode_profile(loaded.profiles[user]) for user in ("u1", "u2")] == [
        encode_profile(one),
        encode_profile(other),
    ]
    assert await store.positions([3]) == {3: 8}


async def test_a_refused_commit_tells_the_position_and_writes_nothing(store: ProfileStore) -> None:
    await store.commit([ProfileCommit(3, START, 8, {})])

    assert await store.commit([ProfileCommit(3, 5, 9, {"u1": profile_of(act("red-1"))})]) == {3: 8}
    assert (await store.load({3: ["u1"]}))[3].profiles == {"u1": NEW}


async def test_a_value_that_is_no_profile_is_corrupt(store: ProfileStore, partitions: MemoryPartitions) -> None:
    await partitions.commit([Commit(3, START, 8, {profile_name("u1"): b"hello"})])

    with pytest.raises(StateCorrupt):
        await store.load({3: ["u1"]})


async def test_the_name_of_a_profile_does_not_hold_the_users_id() -> None:
    assert "ann@example.org" not in profile_name("ann@example.org")


@pytest.mark.parametrize(
    ("now_ms", "expiry_ms"),
    [(1000, 1000 + MARKER_MS), (1000 + 2 * MARKER_MS, 1000 + 2 * MARKER_MS + REPLAY_MS)],
    ids=["just now", "long ago, in a log that is replayed"],
)
async def test_a_forgotten_profile_is_stored_with_its_expiry_and_others_without(now_ms: int, expiry_ms: int) -> None:
    class Commits(MemoryPartitions):
        async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
            assert [dict(each.expiries) for each in commits] == [{profile_name("u1"): expiry_ms}]
            return await super().commit(commits)

    forgotten = apply_request(profile_of(act("red-1")), Request("forget", 0, 1000)).profile
    profiles = {"u1": forgotten, "u2": profile_of(act("red-1"))}

    store = ProfileStore(Commits(), clock_ms=lambda: now_ms)
    assert await store.commit([ProfileCommit(3, START, 8, profiles)]) == {}


async def test_one_user_is_read_from_the_partition_of_the_users_events(store: ProfileStore) -> None:
    place = partition_of(b"u1", 4)
    await store.commit([ProfileCommit(place, START, 8, {"u1": profile_of(act("red-1"))})])

    found = await store.read("u1", 4)

    assert (found.partition, found.position, found.profile.count) == (place, 8, 1)
    assert (await store.read("nobody", 4)).profile == NEW
