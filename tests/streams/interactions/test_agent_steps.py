"""What the hub publishes to state.steps, and what lists make of it."""

import pytest

from features.item import key_of
from features.recommendation import RecommendedItem
from state.memory import MemoryPartitions
from streams.errors import PublishFailed
from streams.wire.steps import FORGOTTEN, parse_steps
from tests.harness.fakes import NOON
from tests.harness.interactions import Hub, ask, click, record


@pytest.fixture
def hub() -> Hub:
    return Hub()


def steps(hub: Hub) -> list[tuple[int, int, int, int]]:
    """The steps published, as (partition, offset, user, item)."""
    return [
        (message.partition or 0, offset, user, item)
        for message in hub.publisher.to("state.steps")
        for offset, _, user, item in parse_steps(message.value, NOON).tolist()
    ]


async def test_a_commit_publishes_one_message_for_each_partition_with_what_was_chosen(hub: Hub) -> None:
    events = [click("u1", "red0"), click("u1", "red1", type="view"), click("u1", "red2", type="hide")]
    other = record(3, click("u2", "blue0", type="purchase"), partition=1, after=-1)
    await hub.handle([*(record(n, event) for n, event in enumerate(events)), record(3, click("u1", "red3")), other])

    assert len(hub.publisher.to("state.steps")) == 2
    assert steps(hub) == [
        (0, 0, key_of("u1"), key_of("red0")),
        (0, 3, key_of("u1"), key_of("red3")),
        (1, 3, key_of("u2"), key_of("blue0")),
    ]


async def test_a_glance_a_repeated_event_and_one_that_came_too_late_are_no_steps(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), record(1, click("u1", "red0")), ask(2, "forget")])
    await hub.handle([record(3, click("u1", "red3", occurred_at_ms=NOON - 5)), record(4, b"junk", key=b"u1")])
    await hub.handle([record(5, click("u1", "red4", type="rate", rating=3.5, occurred_at_ms=NOON + 1000))])

    assert steps(hub) == [(0, 0, key_of("u1"), key_of("red0")), (0, 2, key_of("u1"), FORGOTTEN)]


@pytest.mark.parametrize("kind", ["forget", "reset", "opt_out"])
async def test_a_request_that_erases_a_taste_lies_among_the_steps(hub: Hub, kind: str) -> None:
    await hub.handle([record(0, click("u1", "red0")), record(1, click("u2", "red0")), ask(2, kind)])

    assert steps(hub)[-1] == (0, 2, key_of("u1"), FORGOTTEN)
    assert len(hub.feed.ring) == 1


@pytest.mark.parametrize("kind", ["export", "opt_in", "prefer"])
async def test_other_requests_are_none(hub: Hub, kind: str) -> None:
    await hub.handle([ask(0, kind, dials={"red": 1.0} if kind == "prefer" else None)])

    assert steps(hub) == []


async def test_who_opted_out_gives_no_steps(hub: Hub) -> None:
    await hub.handle([ask(0, "opt_out"), record(1, click("u1", "red0", occurred_at_ms=NOON + 1000))])

    assert steps(hub) == [(0, 0, key_of("u1"), FORGOTTEN)]


async def test_what_could_not_be_published_is_published_with_the_same_offsets_after_the_crash(hub: Hub) -> None:
    hub.publisher.failure = PublishFailed("refused")
    with pytest.raises(PublishFailed):
        await hub.handle([record(0, click("u1", "red0"))])
    hub.publisher.failure = None
    hub.use(hub.agent())
    await hub.handle([record(0, click("u1", "red0")), record(1, click("u1", "red1"))])

    assert [offset for _, offset, _, _ in steps(hub)] == [0, 1]


async def test_a_worker_that_crashed_between_publishing_and_committing_publishes_twice_and_it_counts_once(
    hub: Hub,
) -> None:
    events = [record(0, click("u1", "red0")), record(1, click("u1", "red1"))]
    await hub.handle(events[:1])
    hub.partitions.take_over(0, MemoryPartitions())
    hub.use(hub.agent())
    await hub.handle(events)

    assert [offset for _, offset, _, _ in steps(hub)] == [0, 0, 1]
    assert len(hub.feed.ring) == 2


async def test_a_new_user_gets_what_those_who_came_the_same_way_chose_until_they_are_forgotten(hub: Hub) -> None:
    path = ["red0", "blue7"]
    users = [f"v{n}" for n in range(8)]
    events = [click(user, name) for user in users for name in path]
    await hub.handle([record(n, event) for n, event in enumerate(events)])
    await hub.handle([record(16, click("u1", "red0"))])

    reason = next(each for each in slots(hub) if each.item_id == "blue7").reasons[0]
    assert (reason.code, reason.item_id) == ("chosen_by_similar", "red0")

    await hub.handle([ask(17 + n, "forget", user=user, place=n) for n, user in enumerate(users)])
    await hub.handle([record(25, click("u1", "red0", "again"))])
    assert "chosen_by_similar" not in {reason.code for each in slots(hub) for reason in each.reasons}


def slots(hub: Hub) -> list[RecommendedItem]:
    """The items of the last list."""
    return list(hub.publisher.lists()[-1].items)
