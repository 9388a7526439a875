"""The verification in a world that keeps every promise, and in worlds that break one: it must find each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import pytest

from features.behaviour import Behaviour
from features.co_choices.choice import Choice
from features.item import Change, Item, key_of
from features.privacy import MARKER_MS
from features.profile import DAY_MS, NEW, Profile
from state.codec import decode_profile, encode_profile
from state.memory import MemoryPartitions
from state.partitions import Loaded
from state.profiles import ProfileStore
from state.signals import Wanted, partition_of
from streams.errors import CannotVerify
from streams.interactions.reducer import parse, reduce
from streams.privacy.control_records import UNSIGNED, ControlRecords
from streams.replay.report import Report
from streams.replay.verify import compare_profile
from streams.wire.events import Recommendations
from streams.wire.signals import Changed, Uploaded
from streams.wire.topics import DEAD_LETTERS
from tests.harness.fakes import NOON
from tests.harness.log import INTERACTIONS, ITEMS, LISTS, PARTITIONS, SIGNALS, USERS, World, home_of, world_at_work


@pytest.fixture
async def world() -> World:
    """200 events and some items, all applied."""
    return await world_at_work()


def users_of(report: Report) -> set[str]:
    return {difference.name for difference in report.differences}


# A world without faults


async def test_a_state_that_is_what_the_log_says_has_no_difference(world: World) -> None:
    report = await world.verify()
    assert (report.ok, report.differences, report.incomplete) == (True, [], [])
    assert (report.events, report.users, report.items, report.lists) == (200, len(USERS), len(ITEMS), 200)


async def test_nothing_at_all_has_no_difference() -> None:
    assert (await World().verify()).ok


async def test_an_event_id_that_was_used_before_is_counted_and_is_no_difference(world: World) -> None:
    world.happen("u0", "i3", event="e-again")
    world.happen("u0", "i4", event="e-again")
    await world.work()
    report = await world.verify()
    assert (report.ok, report.events, report.duplicates) == (True, 202, 1)


async def test_events_that_are_not_applied_yet_are_counted_and_are_no_difference(world: World) -> None:
    world.stroll(7)
    report = await world.verify()
    assert (report.ok, report.events, report.pending) == (True, 200, 7)


async def test_the_end_of_a_transaction_is_no_event_and_waits_for_nobody(world: World) -> None:
    for partition in range(PARTITIONS):
        world.log.mark(INTERACTIONS, partition)
        world.log.mark(SIGNALS, partition)
    report = await world.verify()
    assert (report.ok, report.events, report.pending, report.pending_signals) == (True, 200, 0, 0)
    world.stroll(7)
    assert (await world.verify()).pending == 7
    await world.work()
    report = await world.verify()
    assert (report.ok, report.events, report.pending) == (True, 207, 0), report.differences


async def test_a_position_that_has_passed_the_end_of_a_transaction_is_verified_as_any_other(world: World) -> None:
    world.log.mark(INTERACTIONS, home_of("u1"))
    await world.store({}, events=1)
    world.happen("u1", "i1")
    await world.work()
    report = await world.verify()
    assert (report.ok, report.events, report.pending) == (True, 201, 0), report.differences


async def test_an_event_that_cannot_be_used_and_is_in_the_dead_letters_is_no_difference(world: World) -> None:
    world.log.append(INTERACTIONS, 0, b"u1", b"junk")
    await world.work()
    report = await world.verify()
    assert (report.ok, report.refused) == (True, 1)


async def test_a_tombstone_needs_no_dead_letter(world: World) -> None:
    world.log.append(INTERACTIONS, 0, b"u1", None)
    await world.work()
    report = await world.verify()
    assert (report.ok, report.refused) == (True, 0)


async def test_items_of_every_history_are_verified(world: World) -> None:
    picture = {"fake@1": b"\1" * 16}
    world.signal(Changed("i1", Change(NOON + 6000, hidden=True)))
    world.signal(Changed("i1", Change(NOON + 5500, title="Hat", cleared=("price",))))
    world.signal(Uploaded(Item("i1", NOON + 7000, "u1", NOON + 7000, embeddings=picture)))
    world.signal(Changed("i2", Change(NOON + 6000, deleted=True)))
    world.signal(Uploaded(Item("i2", NOON + 7000, "u1", NOON + 7000, embeddings=picture)))
    world.signal(Changed("i3", Change(NOON + 6000, deleted=True)))
    world.signal(Changed("i3", Change(NOON + 7000, deleted=False)))
    await world.work()
    assert (await world.verify()).ok
    world.log.cut |= {(SIGNALS, partition): 25 for partition in range(PARTITIONS)}
    assert (await world.verify()).ok


async def test_records_nested_too_deeply_to_read_are_passed_over(world: World) -> None:
    deep = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    world.log.append(INTERACTIONS, 0, b"u1", b"junk")
    world.log.append(LISTS, 0, b"u1", deep)
    world.log.append(DEAD_LETTERS.name, 0, None, deep)
    await world.work()
    report = await world.verify()
    assert (report.ok, report.refused) == (True, 1)


async def test_what_workers_do_meanwhile_is_no_difference(world: World) -> None:
    class Moving(MemoryPartitions):
        """Another event is applied before each read."""

        async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
            if wanted and any(wanted.values()):
                moving, world.profiles = world.profiles, ProfileStore(world.profile_values)
                world.stroll(1)
                await world.work()
                world.profiles = moving
            return await world.profile_values.load(wanted)

        async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
            return await world.profile_values.positions(partitions)

    world.profiles = ProfileStore(Moving())
    report = await world.verify()
    assert (report.ok, report.events) == (True, 200)
    assert world.made > 200


# Lost, doubled, changed


@pytest.mark.parametrize("offset", [3, 60])
async def test_a_lost_event_is_found(offset: int) -> None:
    world = World()
    world.stroll(200)
    await world.work(lost=offset)
    report = await world.verify()
    assert (report.ok, report.lost, report.double_applied) == (False, 1, 0)
    assert report.different_profiles == 1


@pytest.mark.parametrize("offset", [3, 60])
async def test_an_event_that_was_applied_twice_is_found(offset: int) -> None:
    world = World()
    world.stroll(200)
    await world.work(twice=offset)
    report = await world.verify()
    assert (report.ok, report.lost, report.double_applied) == (False, 0, 1)


async def test_an_event_that_was_applied_with_another_weight_is_found() -> None:
    world = World()
    world.stroll(200)
    await world.work(changed=60)
    report = await world.verify()
    assert (report.lost, report.double_applied, report.different_profiles) == (0, 0, 1)
    assert report.differences[0].where.startswith("engaged")


async def test_a_profile_that_lost_a_part_of_its_long_memory_is_found(world: World) -> None:
    stored = await world.profile("u1")
    (events,) = stored.events_before
    await world.store({"u1": replace(stored, events_before=(events[1:],))})
    report = await world.verify()
    assert (report.lost, report.double_applied, report.different_profiles) == (0, 0, 1)
    count = len(events)
    assert report.differences[0].where == f"events_before: {count} fingerprints, stored {count - 1} fingerprints"


async def test_the_last_event_being_lost_is_found_in_the_profile_and_in_the_lists(world: World) -> None:
    world.happen("u1", "i1")
    await world.store({}, events=1)
    report = await world.verify()
    assert (report.lost, report.unanswered, users_of(report)) == (1, 1, {"u1"})


async def test_a_profile_that_is_gone_is_found_with_all_its_events(world: World) -> None:
    count = (await world.profile("u2")).count
    await world.store({"u2": NEW}, user="u2")
    report = await world.verify()
    assert (report.lost, report.different_profiles, users_of(report)) == (count, 1, {"u2"})


async def test_one_different_bit_of_a_profile_is_found(world: World) -> None:
    profile = await world.profile("u2")
    seen = profile.seen.copy()
    seen[0] ^= 1
    await world.store({"u2": replace(profile, seen=seen)}, user="u2")
    report = await world.verify()
    assert (report.different_profiles, report.lost) == (1, 0)


async def test_an_unusable_event_without_a_dead_letter_is_lost(world: World) -> None:
    world.log.append(INTERACTIONS, home_of("u1"), b"u1", b"junk")
    await world.store({}, events=1)
    report = await world.verify()
    assert (report.ok, report.lost) == (False, 1)
    assert report.differences[0].kind == "dead letter"


# Behaviours, trends, items


def choice(source: int, sequence: int, item: str = "i1", weight: float = 1.0) -> Choice:
    return Choice(key_of(item), NOON, weight, (), source, sequence)


async def test_a_signal_that_the_log_does_not_lead_to_is_found(world: World) -> None:
    world.log.publish(world.signal_topic.messages([choice(0, 10**6)]), PARTITIONS)
    await world.work_signals()
    report = await world.verify()
    assert (report.ok, report.different_profiles) == (False, 0)
    assert {difference.kind for difference in report.differences} == {"behaviour", "trend"}


async def test_a_signal_that_was_published_twice_and_applied_once_is_no_difference(world: World) -> None:
    (record, *_) = list(world.log.read(SIGNALS, 0, len(ITEMS), 10**6))
    world.log.append(SIGNALS, 0, record.key, record.value)
    await world.work_signals()
    assert (await world.verify()).ok


async def test_signals_that_were_never_published_are_found() -> None:
    world = World()
    record = world.happen("u1", "i1")
    after = reduce(record, parse(record, UNSIGNED), NEW).after
    world.answer("u1", record.offset)
    await world.store({"u1": after}, events=1)
    report = await world.verify()
    assert (report.ok, report.lost_signals, report.different_profiles) == (False, 1, 0)


async def test_signals_that_wait_are_counted_and_are_no_difference(world: World) -> None:
    world.happen("u1", "i1")
    await world.work(signals=False)
    report = await world.verify()
    assert report.ok
    assert report.pending_signals > 0
    await world.work()
    assert (await world.verify()).pending_signals == 0


async def change_behaviour(world: World, item: str = "i1", *, popular: float = 0.0, neighbours: int = 0) -> None:
    """Change what is stored of an item."""
    key = key_of(item)
    partition = partition_of(key, PARTITIONS)
    found = (await world.signals.load({partition: Wanted([], [key])}))[partition]
    behaviour = found.behaviours[key]
    kept = behaviour.neighbours[neighbours:]
    changed = replace(behaviour, popular=behaviour.popular * (1 + popular), neighbours=kept)
    after = replace(found, behaviours={key: changed})
    assert await world.signals.commit({partition: found.position}, {partition: after}) == {}


async def test_a_user_who_was_not_counted_is_found(world: World) -> None:
    partition = partition_of(key_of("i1"), PARTITIONS)
    found = (await world.signals.load({partition: Wanted([], [key_of("i1")])}))[partition]
    lacking = {key: replace(behaviour, user_bitmap=0) for key, behaviour in found.behaviours.items()}
    await world.signals.commit({partition: found.position}, {partition: replace(found, behaviours=lacking)})
    assert (await world.verify()).different_behaviours == 1


async def test_trends_are_those_that_users_enough_made() -> None:
    world = World(min_users=3)
    for user, item in (("u0", "i1"), ("u1", "i1"), ("u2", "i1"), ("u3", "i2")):
        world.happen(user, item)
    await world.work()
    assert (await world.verify()).ok
    assert (await world.signals.trends())["item"].tolist() == [key_of("i1")]
    world.min_users = 4
    assert (await world.verify()).different_behaviours == 1


async def test_a_popularity_that_is_off_by_more_than_rounding_is_found(world: World) -> None:
    await change_behaviour(world, popular=3e-5)
    report = await world.verify()
    assert (report.different_behaviours, report.differences[0].name) == (1, f"{key_of('i1'):016x}")


async def test_a_popularity_that_is_off_by_rounding_is_no_difference(world: World) -> None:
    await change_behaviour(world, popular=1e-7)
    assert (await world.verify()).ok


async def test_a_missing_neighbour_is_found(world: World) -> None:
    await change_behaviour(world, neighbours=1)
    assert (await world.verify()).different_behaviours == 1


async def test_a_trend_that_is_not_its_items_is_found(world: World) -> None:
    partition = partition_of(key_of("i1"), PARTITIONS)
    found = (await world.signals.load({partition: Wanted([], [])}))[partition]
    trends = found.trends.copy()
    trends["trend"][0] += 1
    await world.signals.commit({partition: found.position}, {partition: replace(found, trends=trends[:-1])})
    report = await world.verify()
    assert (report.different_behaviours, {each.kind for each in report.differences}) == (2, {"trend"})


@pytest.mark.parametrize("fault", [{"price": 4.0}, {"embeddings": {"fake@1": b"\1" * 16}}, {"deleted": True}])
async def test_a_changed_fact_of_an_item_is_found(world: World, fault: dict[str, object]) -> None:
    partition = partition_of(key_of("i1"), PARTITIONS)
    found = (await world.signals.load({partition: Wanted(["i1"], [])}))[partition]
    item = replace(found.items["i1"], **fault)  # type: ignore[arg-type]  # a test's own fields
    await world.signals.commit({partition: found.position}, {partition: replace(found, items={"i1": item})})
    report = await world.verify()
    assert (report.different_items, users_of(report)) == (1, {"i1"})


def behaviour_cache() -> World:
    """A world in which one item has more neighbours than are kept, told by both partitions in turns."""
    world = World()
    users = {home_of(user): user for user in USERS}
    for n in range(120):
        world.happen(users[n % 2], f"n{n}", kind="like")
        world.happen(users[n % 2], "hub")
    return world


async def test_neighbours_that_pushed_others_out_are_compared_in_the_order_of_the_signals() -> None:
    world = behaviour_cache()
    for _ in range(2):
        await world.work()
    assert len((await behaviour_of(world, "hub")).neighbours) == 48
    assert (await world.verify()).ok


async def behaviour_of(world: World, item: str) -> Behaviour:
    return (await world.signals.behaviours([key_of(item)]))[key_of(item)]


async def test_without_the_order_of_the_signals_only_crowded_neighbours_are_left_out() -> None:
    world = behaviour_cache()
    await world.work()
    for partition in range(PARTITIONS):
        world.log.cut[SIGNALS, partition] = 1
    report = await world.verify()
    assert report.ok
    assert any("neighbours of 1 items" in note for note in report.incomplete)


# Lists


async def test_a_user_without_a_list_for_the_last_event_is_found(world: World) -> None:
    record = world.happen("u3", "i3")
    after = reduce(record, parse(record, UNSIGNED), await world.profile("u3")).after
    await world.store({"u3": after}, user="u3", events=1)
    report = await world.verify()
    assert (report.unanswered, report.lost, users_of(report)) == (1, 0, {"u3"})


async def test_lists_repeated_after_a_crash_are_no_difference(world: World) -> None:
    last = await world.position("u1")
    newest = max(seqs(world, "u1"))
    for seq in (newest - 2, newest):
        world.answer("u1", seq, made_at=5)
    report = await world.verify()
    assert (report.ok, report.repeats, newest <= last) == (True, 2, True)


def seqs(world: World, user: str) -> list[int]:
    records = [record for p in range(PARTITIONS) for record in world.log.read(LISTS, p, 0, 10**6)]
    lists = [msgspec.json.decode(record.value or b"", type=Recommendations) for record in records]
    return [made.seq for made in lists if made.user_id == user]


async def test_a_list_from_an_older_state_after_the_newest_is_found(world: World) -> None:
    world.answer("u1", min(seqs(world, "u1")), made_at=5)
    report = await world.verify()
    assert (report.ok, report.out_of_order, users_of(report)) == (False, 1, {"u1"})


async def test_a_list_that_was_made_before_the_newest_and_came_late_is_a_repeat(world: World) -> None:
    world.answer("u1", min(seqs(world, "u1")), made_at=-(10**6))
    report = await world.verify()
    assert (report.ok, report.repeats) == (True, 1)


async def test_lists_of_events_that_are_still_to_be_repeated_may_stand_in_any_order(world: World) -> None:
    record = world.happen("u1", "i1")
    world.answer("u1", record.offset)
    world.answer("u1", record.offset - 1, made_at=5)
    assert (await world.verify()).ok


# Users who asked for something


async def test_what_users_asked_is_carried_out_by_the_replay_as_well(world: World) -> None:
    for user, kind in (("u0", "forget"), ("u1", "reset"), ("u2", "opt_out"), ("u3", "opt_in"), ("u4", "export")):
        world.ask(user, kind)
    world.ask("u5", "prefer", {"i1": 1.0, "shoes": -1.0})
    world.stroll(60)
    await world.work()
    report = await world.verify()
    assert (report.ok, report.differences, report.incomplete) == (True, [], [])
    assert (report.requests, report.events) == (6, 260)


async def test_an_event_that_comes_late_for_a_user_who_was_forgotten_is_expected_to_change_nothing(
    world: World,
) -> None:
    world.ask("u1", "forget")
    world.happen("u1", "i1", own_ms=NOON)
    await world.work()
    report = await world.verify()
    assert (report.ok, report.late) == (True, 1)


async def test_a_profile_that_was_not_forgotten_is_found(world: World) -> None:
    before = await world.profile("u1")
    world.ask("u1", "forget")
    await world.work()
    await world.store({"u1": before})
    report = await world.verify()
    assert (report.ok, report.different_profiles, users_of(report)) == (False, 1, {"u1"})


async def test_dials_that_were_not_set_are_found(world: World) -> None:
    before = await world.profile("u1")
    world.ask("u1", "prefer", {"i1": 1.0})
    await world.work()
    after = await world.profile("u1")
    await world.store({"u1": replace(before, privacy=after.privacy)})
    report = await world.verify()
    assert (report.ok, report.different_profiles, users_of(report)) == (False, 1, {"u1"})
    assert "dials: 1 ending with" in report.differences[0].where


async def test_a_list_that_was_not_taken_back_is_found(world: World) -> None:
    world.ask("u1", "forget")
    await world.work(withdrawals=False)
    report = await world.verify()
    assert (report.ok, report.not_withdrawn, users_of(report)) == (False, 1, {"u1"})


async def test_a_request_that_comes_twice_counts_once(world: World) -> None:
    passed_on = world.ask("u1", "forget")
    world.happen("u1", "i1")
    world.log.publish([passed_on], PARTITIONS)
    await world.work()
    report = await world.verify()
    assert (report.ok, report.requests) == (True, 1)


async def test_what_is_left_of_a_forgotten_user_may_have_expired(world: World) -> None:
    world.ask("u1", "forget")
    await world.work()
    await world.store({"u1": NEW})
    assert not (await world.verify()).ok
    world.clock.now_ms += MARKER_MS + DAY_MS
    assert (await world.verify()).ok


async def test_a_request_without_a_signature_is_refused_where_there_is_a_key(world: World) -> None:
    world.ask("u1", "forget")
    world.control_records = ControlRecords(b"a key of thirty-two characters..")
    await world.work()
    report = await world.verify()
    assert (report.ok, report.requests, report.refused) == (True, 0, 1)


# Retention


async def test_without_the_first_events_profiles_are_compared_as_far_as_they_can_be(world: World) -> None:
    world.log.cut[INTERACTIONS, 0] = 30
    report = await world.verify()
    assert report.ok
    assert any("begins at offset 30" in note for note in report.incomplete)
    assert any("behaviours" in note for note in report.incomplete)


async def test_without_the_first_events_a_lost_recent_one_is_found() -> None:
    world = World()
    world.stroll(200)
    await world.work(lost=60)
    world.log.cut[INTERACTIONS, 0] = 30
    report = await world.verify()
    assert (report.ok, report.lost) == (False, 1)


async def test_events_that_retention_removed_before_they_were_applied_are_lost(world: World) -> None:
    for _ in range(5):
        world.happen("u1", "i1")
    first = await world.position("u1") + 4
    world.log.cut[INTERACTIONS, home_of("u1")] = first
    report = await world.verify()
    assert (report.lost, report.pending) == (3, 2)


async def test_without_the_first_signals_items_are_compared_with_the_catalogue(world: World) -> None:
    for partition in range(PARTITIONS):
        world.log.cut[SIGNALS, partition] = 3
    assert (await world.verify()).ok
    partition = partition_of(key_of("i1"), PARTITIONS)
    found = (await world.signals.load({partition: Wanted(["i1"], [])}))[partition]
    item = replace(found.items["i1"], price=4.0)
    await world.signals.commit({partition: found.position}, {partition: replace(found, items={"i1": item})})
    assert (await world.verify()).different_items == 1


# What cannot be compared


async def test_a_position_beyond_the_log_says_that_the_topic_is_another(world: World) -> None:
    await world.store({}, events=1000)
    with pytest.raises(CannotVerify, match="created anew"):
        await world.verify()


async def test_a_store_that_loses_writes_meanwhile_says_so(world: World) -> None:
    class Losing(MemoryPartitions):
        """Has one event less when its profiles are read."""

        async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
            loaded = await world.profile_values.load(wanted)
            return {p: Loaded(found.position - 1, found.values) for p, found in loaded.items()}

        async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
            return await world.profile_values.positions(partitions)

    world.profiles = ProfileStore(Losing())
    with pytest.raises(CannotVerify, match="went back"):
        await world.verify()


def stored_before_days_were_counted(profile: Profile) -> Profile:
    """A profile as read from the bytes of a release before: those of ours without their first 3, which say the day."""
    return decode_profile(encode_profile(profile)[3:])


async def test_a_profile_that_the_release_before_stored_today_is_named_apart_and_is_no_difference(world: World) -> None:
    profile = await world.profile("u1")
    assert profile.seen_today > 0
    await world.store({"u1": stored_before_days_were_counted(profile)})
    report = await world.verify()
    assert (report.ok, report.uncounted_days, report.different_profiles) == (True, 1, 0)
    # Workers of this release count from there on.
    world.happen("u1", "i1")
    await world.work()
    assert (await world.profile("u1")).seen_today == 1
    report = await world.verify()
    assert (report.ok, report.uncounted_days, report.differences) == (True, 1, [])


async def test_a_profile_that_the_release_before_stored_on_another_day_is_right(world: World) -> None:
    await world.store({"u1": stored_before_days_were_counted(await world.profile("u1"))})
    world.clock.now_ms += DAY_MS
    report = await world.verify()
    assert (report.ok, report.uncounted_days, report.differences) == (True, 0, [])


async def test_a_profile_that_differs_in_more_than_a_lower_count_of_today_is_found(world: World) -> None:
    profile, report = await world.profile("u1"), Report(PARTITIONS)
    expected = replace(profile, seen_today=2)
    for stored in (replace(profile, seen_today=1, last_at_ms=1), replace(profile, seen_today=3)):
        compare_profile("u1", expected, stored, report, whole=True)
    assert (report.ok, report.uncounted_days, report.different_profiles) == (False, 0, 2)
