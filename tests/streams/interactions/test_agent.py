"""The hub, with a catalogue of two colours, state in memory and a publisher that remembers."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from features.item import key_of
from inference.catalog.catalog import Catalog
from inference.ranking.model import RankerModel
from sightline_client import routing
from state.errors import StateUnavailable
from state.memory import MemoryPartitions
from state.partitions import START, Commit
from state.profiles import ProfileStore, profile_name
from state.signals import partition_of
from streams.errors import PublishFailed
from streams.interactions.lessons import LessonMaker
from streams.interactions.store_loop import UNSTORED_BYTES, UNSTORED_LIMIT
from streams.settings_checks import parse_lesson_weights
from streams.wire.events import Recommendations
from streams.wire.records import Message
from streams.wire.signals import Chosen, parse_signal
from tests.harness.factors import factors_of
from tests.harness.fakes import NOON, linked, passed, until
from tests.harness.interactions import BLUES, DIMENSIONS, LENGTH, PARTITIONS, REDS, Hub, click, item, metric, record
from tests.harness.sequences import next_of


@pytest.fixture
def hub() -> Hub:
    return Hub()


# One event


async def test_a_click_gives_one_list_with_its_offset_as_seq_and_itself_as_trigger(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0", "c-1"))])
    (one,) = hub.publisher.lists()
    assert (one.user_id, one.seq, one.kind) == ("u1", 0, "feed")
    assert (one.trigger.event_id, one.trigger.type, one.trigger.item_id) == ("c-1", "click", "red0")


async def test_a_list_is_keyed_by_its_user(hub: Hub) -> None:
    await hub.handle([record(0, click("u1"))])
    assert [(message.key, message.partition) for message in hub.publisher.to("recommendations")] == [(b"u1", None)]


async def test_a_click_on_a_red_item_is_answered_with_red_items_and_the_reason(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    items = hub.publisher.lists()[0].items
    assert len(items) == LENGTH
    assert all(slot.item_id in REDS[1:] for slot in items)
    assert (items[0].reasons[0].code, items[0].reasons[0].item_id) == ("looks_like", "red0")


async def test_what_the_user_clicked_is_not_recommended_and_counted_as_seen(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    (one,) = hub.publisher.lists()
    assert "red0" not in {slot.item_id for slot in one.items}
    assert one.filtered["seen"] == 1


async def test_a_click_moves_the_stored_profile_and_the_position(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    assert await hub.engaged("u1") == [key_of("red0")]
    assert await hub.position() == 0


async def test_the_traceparent_of_the_event_goes_on_with_the_list_and_no_other_header(hub: Hub) -> None:
    headers = (("traceparent", b"00-4bf9-00f0-01"), ("tenant", b"a"))
    await hub.handle([record(0, click(), headers=headers)])
    assert hub.publisher.to("recommendations")[0].headers == (("traceparent", b"00-4bf9-00f0-01"),)


async def test_a_traceparent_that_is_none_does_not_swell_the_list(hub: Hub) -> None:
    headers = (("traceparent", b"x" * 1_000_000), ("traceparent", b"00-1"), ("traceparent", b"00-2"))
    await hub.handle([record(0, click(), headers=headers)])
    assert hub.publisher.to("recommendations")[0].headers == (("traceparent", b"00-1"),)


async def test_a_list_says_what_it_had_to_do_without(hub: Hub) -> None:
    hub.behaviour_cache.degraded = ["encoder"]
    await hub.handle([record(0, click())])
    assert hub.publisher.lists()[0].degraded == ["encoder"]


# Several events


async def test_several_events_of_one_user_give_one_list_for_the_last_of_them(hub: Hub) -> None:
    await hub.handle([record(n, click("u1", REDS[n])) for n in range(3)])
    assert [(one.seq, one.trigger.item_id) for one in hub.publisher.lists()] == [(2, "red2")]
    assert await hub.engaged("u1") == [key_of(name) for name in REDS[:3]]


async def test_users_in_one_batch_do_not_mix(hub: Hub) -> None:
    events = [click("u1", "red0"), click("u2", "blue0"), click("u1", "red1"), click("u2", "blue1")]
    await hub.handle([record(n, event) for n, event in enumerate(events)])
    lists = {one.user_id: one for one in hub.publisher.lists()}
    assert {user: one.seq for user, one in lists.items()} == {"u1": 2, "u2": 3}
    assert all(slot.item_id in REDS for slot in lists["u1"].items)
    assert all(slot.item_id in BLUES for slot in lists["u2"].items)
    assert await hub.engaged("u2") == [key_of("blue0"), key_of("blue1")]


async def test_partitions_in_one_batch_have_positions_of_their_own(hub: Hub) -> None:
    await hub.handle([record(0, click("u1")), record(7, click("u2"), partition=1, after=START)])
    assert [await hub.position(0), await hub.position(1)] == [0, 7]
    assert len(hub.publisher.lists()) == 2


async def test_one_event_a_batch_or_all_in_one_batch_leave_the_same_profile(hub: Hub) -> None:
    events = [click("u1", name, type=kind) for name, kind in zip(REDS, ["click", "like", "hide", "view"], strict=False)]
    other = Hub()
    await hub.handle([record(n, event) for n, event in enumerate(events)])
    for n, event in enumerate(events):
        await other.handle([record(n, event)])
    assert await hub.partitions.load({0: [profile_name("u1")]}) == await other.partitions.load(
        {0: [profile_name("u1")]}
    )


# Twice


async def test_the_same_event_id_again_changes_nothing_and_gives_no_list(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0", "c-1"))])
    stored = await hub.partitions.load({0: [profile_name("u1")]})
    before = metric("sightline_duplicates_total", kind="event")
    await hub.handle([record(1, click("u1", "red5", "c-1"))])
    after = await hub.partitions.load({0: [profile_name("u1")]})
    assert after[0].values == stored[0].values
    assert len(hub.publisher.lists()) == 1
    assert await hub.position() == 1
    assert metric("sightline_duplicates_total", kind="event") == before + 1


async def test_a_phone_that_sends_a_hundred_events_again_changes_nothing(hub: Hub) -> None:
    sent = [click("u1", REDS[n % 7], f"c-{n}") for n in range(100)]
    await hub.handle([record(n, event) for n, event in enumerate(sent)])
    stored = (await hub.partitions.load({0: [profile_name("u1")]}))[0].values
    late, lately = (metric("sightline_duplicates_total", kind=kind) for kind in ("earlier_event", "event"))

    await hub.handle([record(100 + n, event) for n, event in enumerate(sent)])

    assert (await hub.partitions.load({0: [profile_name("u1")]}))[0].values == stored
    assert len(hub.publisher.lists()) == 1
    assert metric("sightline_duplicates_total", kind="earlier_event") == late + 68
    assert metric("sightline_duplicates_total", kind="event") == lately + 32


async def test_the_expected_number_of_false_duplicates_grows_with_each_new_event_of_a_long_history(hub: Hub) -> None:
    before = metric("sightline_false_duplicates_total")
    await hub.handle([record(n, click("u1", "red0", f"c-{n}")) for n in range(32)])
    assert metric("sightline_false_duplicates_total") == before

    await hub.handle([record(n, click("u1", "red0", f"c-{n}")) for n in range(32, 35)])
    assert metric("sightline_false_duplicates_total") == pytest.approx(before + (1 + 2) / 2**26, abs=1e-12)


async def test_the_same_event_id_twice_in_one_batch_counts_once(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0", "c-1")), record(1, click("u1", "red5", "c-1"))])
    assert await hub.engaged("u1") == [key_of("red0")]
    assert [one.seq for one in hub.publisher.lists()] == [0]


async def test_redelivered_offsets_change_nothing(hub: Hub) -> None:
    batch = [record(0, click("u1", "red0")), record(1, click("u1", "red1"))]
    await hub.handle(batch)
    messages = list(hub.publisher.messages)
    await hub.handle(batch)
    assert hub.publisher.messages == messages
    assert hub.rewinds.asked == []


async def test_a_batch_that_begins_with_redelivered_records_goes_on_where_the_state_is(hub: Hub) -> None:
    batch = [record(n, click("u1", REDS[n])) for n in range(3)]
    await hub.handle(batch[:2])
    await hub.handle(batch)
    assert [one.seq for one in hub.publisher.lists()] == [1, 2]
    assert await hub.position() == 2


# Publish, then commit


async def test_when_publishing_fails_nothing_is_stored(hub: Hub) -> None:
    hub.publisher.failure = PublishFailed("refused")
    with pytest.raises(PublishFailed):
        await hub.handle([record(0, click("u1", "red0"))])
    assert await hub.position() == START
    assert await hub.engaged("u1") == []


async def test_a_replay_after_a_failed_publish_gives_the_same_list_and_stores_it(hub: Hub) -> None:
    hub.publisher.failure = PublishFailed("refused")
    with pytest.raises(PublishFailed):
        await hub.handle([record(0, click("u1", "red0"))])
    hub.publisher.failure = None
    hub.use(hub.agent())
    await hub.handle([record(0, click("u1", "red0"))])
    assert [one.seq for one in hub.publisher.lists()] == [0]
    assert await hub.engaged("u1") == [key_of("red0")]


async def test_a_list_is_published_before_its_state_is_stored(hub: Hub) -> None:
    positions: list[int] = []
    hub.publisher.before = lambda: positions.append(hub.partitions._positions.get(0, START))
    await hub.handle([record(0, click())])
    assert set(positions) == {START}


async def test_a_refused_commit_writes_nothing_and_rewinds_to_where_the_state_is(hub: Hub) -> None:
    def another_worker_was_faster() -> None:
        hub.partitions._positions[0] = 3

    hub.publisher.before = another_worker_was_faster
    conflicts = metric("sightline_position_conflicts_total")
    await hub.handle([record(0, click("u1", "red0")), record(1, click("u1", "red1"))])
    assert await hub.engaged("u1") == []
    assert hub.rewinds.asked == [(0, 3)]
    assert metric("sightline_position_conflicts_total") == conflicts + 1


async def test_a_gap_before_the_batch_is_not_stepped_over(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    await hub.handle([record(5, click("u1", "red5"), after=4)])
    assert await hub.engaged("u1") == [key_of("red0")]
    assert (await hub.position(), hub.rewinds.asked) == (0, [(0, 0)])
    assert len(hub.publisher.lists()) == 1


async def test_a_gap_within_the_batch_applies_what_lies_before_it(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), record(5, click("u1", "red5"), after=4)])
    assert await hub.engaged("u1") == [key_of("red0")]
    assert hub.rewinds.asked == [(0, 0)]


async def test_a_record_of_unknown_place_is_fetched_again(hub: Hub) -> None:
    await hub.handle([record(1, click("u1"), after=None)])
    assert (hub.publisher.messages, hub.rewinds.asked) == ([], [(0, START)])


async def test_offsets_that_the_broker_left_out_are_no_gap(hub: Hub) -> None:
    await hub.handle(linked([record(0, click("u1", "red0")), record(9, click("u1", "red1"))]))
    assert (await hub.position(), hub.rewinds.asked) == (9, [])


async def test_offsets_that_hold_no_event_move_the_position_and_nothing_else(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), passed(0, 4)])
    await hub.handle([passed(4, 7)])
    assert (await hub.position(), hub.rewinds.asked) == (7, [])
    assert (len(hub.publisher.lists()), hub.publisher.to("dead-letters")) == (1, [])
    await hub.handle([record(8, click("u1", "red1"))])
    assert await hub.engaged("u1") == [key_of("red0"), key_of("red1")]


async def test_offsets_without_an_event_behind_records_that_were_lost_are_fetched_again(hub: Hub) -> None:
    await hub.handle([passed(4, 7)])
    assert (await hub.position(), hub.rewinds.asked) == (START, [(0, START)])


async def test_a_list_is_on_its_way_before_anything_is_stored(hub: Hub) -> None:
    agent = hub.agent()
    await agent.handle([record(0, click("u1", "red0"))])
    await until(lambda: len(hub.publisher.lists()) == 1)
    assert await hub.position() == START
    assert hub.publisher.to("state.signals") == []
    await agent.store_loop.store()
    assert await hub.position() == 0
    assert len(hub.publisher.to("state.signals")) == 1


async def test_batches_that_are_not_stored_yet_build_on_each_other_and_are_stored_together(hub: Hub) -> None:
    agent = hub.agent()
    for n in range(3):
        await agent.handle([record(n, click("u1", REDS[n]))])
    await agent.store_loop.store()
    assert [one.seq for one in hub.publisher.lists()] == [0, 1, 2]
    assert await hub.engaged("u1") == [key_of(name) for name in REDS[:3]]
    assert await hub.position() == 2


async def test_a_started_agent_stores_by_itself_and_what_is_left_when_it_stops(hub: Hub) -> None:
    agent = hub.agent()
    await agent.store_loop.start()
    await agent.handle([record(0, click("u1", "red0"))])
    await until(lambda: hub.partitions._positions.get(0) == 0)
    await agent.handle([record(1, click("u1", "red1"))])
    await agent.store_loop.stop()
    assert await hub.position() == 1
    assert agent.store_loop.failure is None


async def test_an_agent_that_cannot_publish_says_so(hub: Hub) -> None:
    hub.publisher.failure = PublishFailed("refused")
    agent = hub.agent()
    await agent.store_loop.start()
    await agent.handle([record(0, click("u1", "red0"))])
    await until(lambda: isinstance(agent.store_loop.failure, PublishFailed))
    assert await hub.position() == START


class Away(MemoryPartitions):
    """Answers what was read, but takes no commit until it is back."""

    back = False

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        if not self.back:
            raise StateUnavailable("away")
        return await super().commit(commits)


@pytest.mark.parametrize("count", [UNSTORED_LIMIT, UNSTORED_BYTES // 60_000 + 1], ids=["many", "large"])
async def test_while_nothing_can_be_stored_a_bounded_number_and_size_of_events_is_taken(hub: Hub, count: int) -> None:
    hub.partitions = partitions = Away()
    hub.profiles = ProfileStore(partitions)
    agent = hub.agent()
    await agent.store_loop.start()
    filling = "" if count == UNSTORED_LIMIT else "x" * 60_000
    await agent.handle([record(n, click("u1", "red0", f"e{n}") | {"filling": filling}) for n in range(count)])
    waiting = asyncio.create_task(agent.handle([record(count, click("u1", "red1"))]))
    _, pending = await asyncio.wait({waiting}, timeout=0.3)
    assert pending == {waiting}
    partitions.back = True
    await waiting
    await agent.store_loop.stop()
    assert await hub.position() == count


async def test_after_an_assignment_partitions_are_taken_up_where_the_store_is(hub: Hub) -> None:
    agent = hub.agent()
    await agent.handle([record(0, click("u1", "red0"))])
    assert await agent.store_loop.take_up([0]) == {0: START}
    await agent.handle([record(0, click("u1", "red0"))])
    await agent.store_loop.store()
    assert await hub.engaged("u1") == [key_of("red0")]
    assert [one.seq for one in hub.publisher.lists()] == [0, 0]


async def test_a_store_that_went_back_while_idle_is_taken_up_where_it_is(hub: Hub) -> None:
    agent = hub.agent()
    hub.use(agent)
    await hub.handle([record(0, click("u1", "red0"))])
    emptied = MemoryPartitions()
    hub.partitions._values, hub.partitions._positions = emptied._values, emptied._positions

    await agent.store_loop.rolled_back(0, START)
    await hub.handle([record(0, click("u1", "red0"))])

    assert hub.rewinds.asked == [(0, START)]
    assert await hub.engaged("u1") == [key_of("red0")]


async def test_a_batch_under_way_while_partitions_are_assigned_is_not_stored(hub: Hub) -> None:
    agent = hub.agent()
    taken_away = asyncio.create_task(agent.handle([record(0, click("u1", "red0"))]))
    await asyncio.sleep(0)
    assert await agent.store_loop.take_up([0]) == {0: START}
    await taken_away
    await agent.store_loop.store()
    assert await hub.position() in {START, 0}
    assert (await hub.engaged("u1") == [key_of("red0")]) == (await hub.position() == 0)


class Faltering(MemoryPartitions):
    """Loses its first answers of each kind, after having done what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        refused = await super().commit(commits)
        if self.lost < 2:
            self.lost += 1
            raise StateUnavailable("the answer was lost")
        return refused


async def test_a_commit_whose_answer_was_lost_is_made_again_and_counts_once(hub: Hub) -> None:
    hub.partitions = Faltering()
    hub.profiles = ProfileStore(hub.partitions)
    hub.use(hub.agent())
    await hub.handle([record(0, click("u1", "red0"))])
    assert (await hub.engaged("u1"), await hub.position()) == ([key_of("red0")], 0)
    assert hub.rewinds.asked == []


# What the items agent is told


async def test_a_choice_goes_to_the_partition_of_its_item(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    (message,) = hub.publisher.to("state.signals")
    (each,) = hub.choices()
    assert each.item == key_of("red0")
    assert message.partition == partition_of(key_of("red0"), PARTITIONS)


async def test_a_second_click_names_the_item_of_the_first(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), record(1, click("u1", "red1"))])
    red0, red1 = key_of("red0"), key_of("red1")
    assert [(each.item, each.nearby) for each in hub.choices()] == [(red0, ()), (red1, (red0,))]


async def test_a_batch_tells_each_partition_of_items_once_in_growing_sequence(hub: Hub) -> None:
    await hub.handle([record(n, click("u1", REDS[n])) for n in range(6)])
    messages = hub.publisher.to("state.signals")
    assert len({message.partition for message in messages}) == len(messages)
    for message in messages:
        signal = parse_signal(message.value)
        assert isinstance(signal, Chosen)
        sequences = [each.sequence for each in signal.choices]
        assert sequences == sorted(set(sequences))
        for each in signal.choices:
            assert message.partition in {partition_of(item, PARTITIONS) for item in each.items()}


# Users and items that nobody knows


async def test_a_click_on_an_unknown_item_is_kept_and_answered(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "not-here"))])
    assert await hub.engaged("u1") == [key_of("not-here")]
    assert len(hub.publisher.lists()[0].items) == LENGTH
    assert hub.publisher.dead_letters() == []


async def test_an_unknown_item_shapes_the_lists_once_it_is_uploaded(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "blue99"))])
    hub.catalog.apply([item("blue99", 3)])
    await hub.handle([record(1, click("u1", "not-here", "c-2", type="view"))])
    assert all(slot.item_id in BLUES for slot in hub.publisher.lists()[1].items)


async def test_a_user_whose_history_says_nothing_gets_fresh_items(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "not-here"))])
    assert {slot.source for slot in hub.publisher.lists()[0].items} == {"fresh"}


async def test_with_an_empty_catalogue_the_list_is_published_empty() -> None:
    hub = Hub(Catalog(DIMENSIONS))
    await hub.handle([record(0, click("u1"))])
    (one,) = hub.publisher.lists()
    assert (one.items, one.model["encoder"]) == ([], "none")
    assert await hub.position() == 0


# Bad input: each goes to the dead letters whole, and the next event of the batch is handled


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in click().items() if key != name}


BAD = {
    "bad JSON": (b"{click!", b"u1", "bad_json"),
    "not UTF-8": (b"\xff\xfe", b"u1", "bad_json"),
    "empty value": (b"", b"u1", "bad_json"),
    "a number for a user": (click() | {"user_id": 7}, b"7", "invalid_event"),
    "text for a time": (click(occurred_at_ms="noon"), b"u1", "invalid_event"),
    "no event_id": (without("event_id"), b"u1", "invalid_event"),
    "no user_id": (without("user_id"), b"u1", "invalid_event"),
    "no item_id": (without("item_id"), b"u1", "invalid_event"),
    "no type": (without("type"), b"u1", "invalid_event"),
    "unknown type": (click(type="teleport"), b"u1", "unknown_type"),
    "empty event_id": (click() | {"event_id": ""}, b"u1", "invalid_event"),
    "empty item_id": (click() | {"item_id": ""}, b"u1", "invalid_event"),
    "empty user_id": (click() | {"user_id": ""}, None, "invalid_event"),
    "an item_id of 1 MB": (click() | {"item_id": "i" * 1_000_000}, b"u1", "too_large"),
    "a user_id of 1 MB": (click() | {"user_id": "u" * 1_000_000}, b"u" * 1_000_000, "too_large"),
    "null key": (click(), None, "no_key"),
    "another user's key": (click("u1"), b"u2", "key_mismatch"),
    "a dwell time beyond numbers": (click(type="view", dwell_ms=10**400), b"u1", "invalid_event"),
}


@pytest.mark.parametrize(("value", "key", "reason"), BAD.values(), ids=BAD.keys())
async def test_bad_input_is_kept_whole_and_the_next_event_is_handled(
    hub: Hub, value: object, key: bytes | None, reason: str
) -> None:
    headers = (("tenant", b"\x00\xff"),)
    bad = record(0, value, key=key, headers=headers)
    await hub.handle([bad, record(1, click("u9", "red0"))])
    (letter,) = hub.publisher.dead_letters()
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == (reason, "events.interactions", 0, 0)
    assert (letter.key, letter.value, tuple(letter.headers)) == (key, bad.value, headers)
    assert [one.user_id for one in hub.publisher.lists()] == ["u9"]
    assert await hub.position() == 1


async def test_a_batch_of_bad_input_alone_moves_the_position(hub: Hub) -> None:
    await hub.handle([record(0, b"junk", key=b"u1"), record(1, b"", key=None)])
    assert [letter.offset for letter in hub.publisher.dead_letters()] == [0, 1]
    assert await hub.position() == 1


@pytest.mark.parametrize("key", [b"u1", None, b"\xff"])
async def test_a_tombstone_is_passed_over_and_counted(hub: Hub, key: bytes | None) -> None:
    labels = {"topic": "events.interactions", "type": "unknown", "outcome": "tombstone"}
    before = metric("sightline_events_total", **labels)
    await hub.handle([record(0, None, key=key), record(1, click("u9", "red0"))])
    assert hub.publisher.dead_letters() == []
    assert [one.user_id for one in hub.publisher.lists()] == ["u9"]
    assert await hub.position() == 1
    assert metric("sightline_events_total", **labels) == before + 1


async def test_unknown_fields_are_counted_of_one_event_in_64(hub: Hub) -> None:
    before = metric("sightline_unknown_fields_total", topic="events.interactions")
    await hub.handle([record(offset, click("u1", f"red{offset}", colour="red")) for offset in range(5)])
    assert metric("sightline_unknown_fields_total", topic="events.interactions") == before + 1


FAR_OFF = {
    "1970": 0,
    "before 1970": -5,
    "a year ago": NOON - 365 * 86_400_000,
    "year 3000": 2 * NOON,
    "64 bits": 2**63 - 1,
}


@pytest.mark.parametrize("told", FAR_OFF.values(), ids=FAR_OFF.keys())
async def test_a_time_far_off_is_clamped_counted_and_the_event_handled(hub: Hub, told: int) -> None:
    before = metric("sightline_clamped_times_total")
    await hub.handle([record(0, click("u1", "red0", occurred_at_ms=told)), record(1, click("u9", "red1"))])
    assert metric("sightline_clamped_times_total") == before + 1
    assert [one.user_id for one in hub.publisher.lists()] == ["u1", "u9"]
    profile = (await hub.profiles.load({0: ["u1"]}))[0].profiles["u1"]
    assert profile.last_at_ms in (NOON - 7 * 86_400_000, NOON + 300_000)


@pytest.mark.parametrize(("told", "unit"), [(NOON // 1000, "seconds"), (NOON * 1000, "microseconds")])
async def test_a_time_in_another_unit_is_a_dead_letter_that_names_it(hub: Hub, told: int, unit: str) -> None:
    await hub.handle([record(0, click("u1", "red0", occurred_at_ms=told)), record(1, click("u9", "red1"))])
    (letter,) = hub.publisher.dead_letters()
    assert f"looks like Unix {unit}" in letter.error
    assert [one.user_id for one in hub.publisher.lists()] == ["u9"]


async def test_two_sources_with_the_same_id_are_two_events_and_one_twice_is_one(hub: Hub) -> None:
    click = {"type": "click", "user_id": "u1", "item_id": "red0"}
    web = {"specversion": "1.0", "id": "1", "source": "/web", "time": "2026-01-01T12:00:00Z", "data": click}
    each = [web, web | {"source": "/app"}, web]
    await hub.handle([record(offset, event, key=b"u1") for offset, event in enumerate(each)])
    assert (await hub.profiles.load({0: ["u1"]}))[0].profiles["u1"].count == 2
    assert hub.publisher.lists()[-1].trigger.event_id == "1"


# What is counted


async def test_an_event_on_a_partition_that_its_key_does_not_give_is_counted_and_handled(hub: Hub) -> None:
    right = routing.partition_of(b"u1", PARTITIONS)
    before = metric("sightline_misrouted_total")
    await hub.handle([record(0, click("u1"), partition=right)])
    assert metric("sightline_misrouted_total") == before
    await hub.handle([record(0, click("u1"), partition=(right + 1) % PARTITIONS)])
    assert metric("sightline_misrouted_total") == before + 1
    assert len(hub.publisher.lists()) == 2


@pytest.mark.parametrize(("kind", "name"), [("view", "shown"), ("click", "clicked")])
async def test_a_view_or_click_that_names_its_list_is_credited_to_the_source_of_the_slot(
    hub: Hub, kind: str, name: str
) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    (one,) = hub.publisher.lists()
    before = metric(f"sightline_{name}_total", source="visual")
    answer = click("u1", one.items[0].item_id, type=kind, rec_id=one.rec_id, position=0)
    await hub.handle([record(1, answer), record(2, answer | {"event_id": "again"})])
    assert metric(f"sightline_{name}_total", source="visual") == before + 1


async def test_published_slots_are_counted_and_are_not_shown_by_that(hub: Hub) -> None:
    published, shown = (metric(f"sightline_{name}_total", source="visual") for name in ("published", "shown"))
    await hub.handle([record(0, click("u1", "red0"))])
    assert metric("sightline_published_total", source="visual") == published + LENGTH
    assert metric("sightline_shown_total", source="visual") == shown


async def test_a_duplicate_event_does_not_count_as_shown(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0", "c-1"))])
    (one,) = hub.publisher.lists()
    before = metric("sightline_shown_total", source="visual")
    await hub.handle([record(1, click("u1", one.items[0].item_id, "c-1", type="view", rec_id=one.rec_id))])
    assert metric("sightline_shown_total", source="visual") == before


COUNTED: list[tuple[str, dict[str, str], Callable[[], dict[str, object]]]] = [
    ("sightline_events_total", {"topic": "events.interactions", "type": "click", "outcome": "applied"}, click),
    ("sightline_event_to_recommendation_seconds_count", {"type": "click"}, click),
    ("sightline_recommendations_total", {"kind": "feed", "degraded": ""}, click),
    ("sightline_list_diversity_count", {}, click),
    ("sightline_stage_seconds_count", {"stage": "commit"}, click),
]


@pytest.mark.parametrize(("name", "labels", "event"), COUNTED, ids=[name for name, _, _ in COUNTED])
async def test_a_click_is_counted(
    hub: Hub, name: str, labels: dict[str, str], event: Callable[[], dict[str, object]]
) -> None:
    before = metric(name, **labels)
    await hub.handle([record(0, event())])
    assert metric(name, **labels) == before + 1


async def test_a_list_shorter_than_asked_for_is_counted() -> None:
    catalog = Catalog(DIMENSIONS)
    catalog.apply([item("red0", 0), item("red1", 1)])
    hub = Hub(catalog)
    before = metric("sightline_short_lists_total")
    await hub.handle([record(0, click("u1", "red0"))])
    assert metric("sightline_short_lists_total") == before + 1


async def test_when_most_events_are_refused_the_agent_stands_still_and_they_stay_in_their_topic(hub: Hub) -> None:
    standing = asyncio.create_task(hub.handle([record(n, b"{", key=b"u1") for n in range(20)]))
    await until(lambda: hub.breaker.reason is not None)
    assert (standing.done(), hub.publisher.messages, await hub.position()) == (False, [], START)
    standing.cancel()


async def test_lists_follow_the_newest_version_of_the_ranker_from_one_batch_to_the_next() -> None:
    hub = Hub()
    for offset, model in enumerate((None, RankerModel(3), RankerModel(4), None)):
        hub.model = model
        await hub.handle([record(offset, click(thing=f"red{offset}"))])

    made = [each.model["ranker"] for each in hub.publisher.lists()]
    assert made == ["weighted@2", "online@3", "online@4", "weighted@2"]


async def test_lists_follow_latent_factors_from_one_batch_to_the_next() -> None:
    hub, axis = Hub(), {"red0": (1.0, 0.0), "red1": (1.0, 0.0), "blue7": (1.0, 0.1)}
    for offset, factors in enumerate((None, factors_of(axis), None)):
        hub.factors = factors
        await hub.handle([record(offset, click("u1", "red0", f"e{offset}"))])

    assert [("suits_taste", "red0") in evidence(made, "blue7") for made in hub.publisher.lists()] == [
        False,
        True,
        False,
    ]


async def test_lists_follow_a_sequence_model_from_one_batch_to_the_next() -> None:
    hub = Hub()
    for offset, model in enumerate((None, next_of(red0="red5"), None)):
        hub.sequence = model
        await hub.handle([record(offset, click("u1", "red0", f"e{offset}"))])

    found = [("likely_next", "red0") in evidence(made, "red5") for made in hub.publisher.lists()]
    assert found == [False, True, False]


def evidence(made: Recommendations, item_id: str) -> set[tuple[str, str | None]]:
    """The reasons of an item in a list, with the items that they name."""
    return {(reason.code, reason.item_id) for each in made.items if each.item_id == item_id for reason in each.reasons}


async def test_lists_wait_for_no_lesson() -> None:
    hub = Hub()
    lists = hub.lists()

    async def never(_: Sequence[Message]) -> int:
        await asyncio.Event().wait()
        return 0

    lessons = LessonMaker(lists, never, "state.examples", parse_lesson_weights(""))
    await lessons.start()
    hub.use(hub.agent(lists, lessons))
    for offset in range(3):
        await hub.handle([record(offset, click(thing=f"red{offset}"))])
        await asyncio.sleep(0.01)
    await lessons.stop()

    assert len(hub.publisher.lists()) == 3
