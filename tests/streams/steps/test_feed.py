import time

import numpy as np
import pytest

from features.item import key_of
from inference.behaviour.recent_steps import ITEM, USER, RecentSteps
from streams.steps.feed import StepsFeed
from streams.wire.steps import FORGOTTEN, STEPS_LIMIT, Step, encode_steps
from tests.harness.fakes import NOON, Clock
from tests.harness.interactions import metric


def step(offset: int, user: int, item: int, *, at_ms: int | None = None) -> Step:
    return offset, NOON + offset if at_ms is None else at_ms, user, item


def applied(feed: StepsFeed, *steps: Step, partition: int = 0) -> None:
    """Apply one message."""
    for _ in feed.apply([(partition, encode_steps(steps))]):
        pass


def held(feed: StepsFeed) -> list[tuple[int, int]]:
    """The steps of the ring, as (user, item), in the order of their places."""
    ring = feed.ring
    found = ring.steps[ring.steps[:, USER] > 0]
    return list(zip(ring.users.keys[found[:, USER]].tolist(), ring.items.keys[found[:, ITEM]].tolist(), strict=True))


def counted(outcome: str) -> float:
    return metric("sightline_steps_total", outcome=outcome)


@pytest.fixture
def feed() -> StepsFeed:
    return StepsFeed(RecentSteps(1000), Clock(NOON + 1_000_000))


def test_steps_are_applied_in_their_order(feed: StepsFeed) -> None:
    applied(feed, step(1, 1, 10), step(2, 2, 20))
    applied(feed, step(3, 1, 11))

    assert held(feed) == [(1, 10), (2, 20), (1, 11)]
    assert len(feed.ring) == 3
    assert metric("sightline_last_step_timestamp_seconds") == (NOON + 3) / 1000


def test_what_a_crashed_worker_publishes_again_in_other_batches_is_applied_once(feed: StepsFeed) -> None:
    before = counted("repeated")
    applied(feed, step(1, 1, 10), step(2, 2, 20))
    applied(feed, step(1, 1, 10))
    applied(feed, step(2, 2, 20), step(3, 3, 30))
    applied(feed, step(1, 1, 10), step(2, 2, 20), step(3, 3, 30), step(4, 4, 40))

    assert held(feed) == [(1, 10), (2, 20), (3, 30), (4, 40)]
    assert counted("repeated") == before + 5


def test_messages_are_applied_together_as_one_by_one(feed: StepsFeed) -> None:
    messages = [(n % 3, encode_steps([step(n, n % 5, n if n % 7 else FORGOTTEN)])) for n in range(300)]
    junk = [(0, b"junk"), (1, None)]
    for _ in feed.apply([*messages[:150], *junk, *messages[100:]]):
        pass
    alone = StepsFeed(RecentSteps(1000), Clock(NOON + 1_000_000))
    for message in messages:
        list(alone.apply([message]))

    assert sorted(held(feed)) == sorted(held(alone))


def test_partitions_are_counted_apart(feed: StepsFeed) -> None:
    applied(feed, step(100, 1, 10))
    applied(feed, step(1, 2, 20, at_ms=NOON), partition=1)

    assert held(feed) == [(1, 10), (2, 20)]


def test_a_forgotten_user_loses_the_steps_before_the_request_and_keeps_those_after_it(feed: StepsFeed) -> None:
    applied(feed, step(1, 1, 10), step(2, 2, 20), step(3, 1, FORGOTTEN), step(4, 1, 11), step(5, 9, FORGOTTEN))

    assert sorted(held(feed)) == [(1, 11), (2, 20)]


def test_a_request_to_forget_that_comes_twice_takes_out_nothing_that_came_after_it(feed: StepsFeed) -> None:
    applied(feed, step(1, 1, 10), step(2, 1, FORGOTTEN), step(3, 1, 11))
    applied(feed, step(2, 1, FORGOTTEN), step(3, 1, 11))

    assert held(feed) == [(1, 11)]


def test_events_of_a_topic_that_was_created_again_are_new(feed: StepsFeed) -> None:
    applied(feed, step(500, 1, 10))
    applied(feed, step(0, 2, 20, at_ms=NOON + 1000), step(1, 2, 21, at_ms=NOON + 1001))
    applied(feed, step(0, 2, 20, at_ms=NOON + 1000), step(1, 2, 21, at_ms=NOON + 1001))
    applied(feed, step(2, 2, 22, at_ms=NOON + 999))

    assert held(feed) == [(1, 10), (2, 20), (2, 21), (2, 22)]


@pytest.mark.parametrize(
    "value", [None, b"", b"no steps", b"\x82\xa4type\xa6Steps2\xa5steps\xc4\x00", b"\xff" * 100_000]
)
def test_a_message_of_another_release_or_of_nobody_is_counted_and_passed_over(
    feed: StepsFeed, value: bytes | None
) -> None:
    before = counted("refused")
    assert list(feed.apply([(0, value)])) == []
    applied(feed, step(1, 1, 10))

    assert held(feed) == [(1, 10)]
    assert counted("refused") == before + 1


def test_a_message_that_claims_an_absurd_offset_holds_up_nothing(feed: StepsFeed) -> None:
    applied(feed, step(2**62, 1, 10, at_ms=NOON))
    applied(feed, step(7, 2, 20))

    assert held(feed) == [(1, 10), (2, 20)]


def test_two_workers_that_read_the_same_have_the_same() -> None:
    feeds = [StepsFeed(RecentSteps(50), Clock()) for _ in range(2)]
    random = np.random.default_rng(0)
    steps = [step(n, int(random.integers(1, 9)), int(random.integers(0, 30)), at_ms=NOON) for n in range(500)]
    for start in range(0, 500, 50):
        applied(feeds[0], *steps[start : start + 50])
    for start in range(0, 500, 7):
        applied(feeds[1], *steps[max(start - 20, 0) : start + 7])

    assert held(feeds[0]) == held(feeds[1])


def test_a_user_with_100_000_events_is_applied_in_parts_and_forgotten_at_once() -> None:
    feed = StepsFeed(RecentSteps(), Clock())
    started = time.perf_counter()
    parts = 0
    for first in range(0, 100_000, STEPS_LIMIT):
        steps = [step(n, 1, 10 + n, at_ms=NOON) for n in range(first, min(first + STEPS_LIMIT, 100_000))]
        parts += sum(1 for _ in feed.apply([(0, encode_steps(steps))]))
    assert (len(feed.ring), parts > 150) == (100_000, True)
    applied(feed, step(100_000, 1, FORGOTTEN, at_ms=NOON))

    assert (len(feed.ring), bool(feed.ring.steps.any())) == (0, False)
    assert time.perf_counter() - started < 30


def test_the_keys_are_those_of_profiles(feed: StepsFeed) -> None:
    applied(feed, step(1, key_of("u1"), key_of("red0")))

    assert held(feed) == [(key_of("u1"), key_of("red0"))]
