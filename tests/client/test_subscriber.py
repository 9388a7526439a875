import time

import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from sightline_client import BrokerUnavailable, RecommendationSubscriber, encode
from tests.client.conftest import Worker, feed
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


def read(subscriber: RecommendationSubscriber, count: int) -> list[tuple[str, int]]:
    """The first `count` lists as (user, seq)."""
    got: list[tuple[str, int]] = []
    deadline = time.monotonic() + 20
    while len(got) < count and time.monotonic() < deadline:
        got += [(lists.user_id, lists.seq) for lists in subscriber.poll(1.0)]
    return got


def test_a_subscriber_gets_what_is_published_after_it_was_made_and_nothing_before(worker: Worker) -> None:
    worker.send(feed("u1", 1))
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        worker.send(feed("u1", 2), feed("u2", 3))
        assert sorted(read(subscriber, 2)) == [("u1", 2), ("u2", 3)]


def test_a_subscriber_can_start_from_the_oldest_list(worker: Worker) -> None:
    worker.send(feed("u1", 1), feed("u1", 2))
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, from_beginning=True) as subscriber:
        assert read(subscriber, 2) == [("u1", 1), ("u1", 2)]


def test_a_list_of_an_aborted_transaction_is_never_given_and_one_of_an_open_transaction_waits(worker: Worker) -> None:
    topic = f"{worker.prefix}recommendations"
    publisher = KafkaProducer(bootstrap_servers=worker.bootstrap, transactional_id=topic)
    publisher.init_transactions()
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        for seq, end in ((1, publisher.abort_transaction), (2, publisher.commit_transaction)):
            publisher.begin_transaction()
            publisher.send(topic, key=b"u1", value=encode(feed("u1", seq))).get(20)
            assert subscriber.poll(1.0) == []
            end()
        assert read(subscriber, 1) == [("u1", 2)]
    publisher.close()


def test_a_stale_list_is_dropped(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        worker.send(feed("u1", 5), feed("u1", 4), feed("u1", 6))
        assert read(subscriber, 2) == [("u1", 5), ("u1", 6)]


def test_a_list_that_cannot_be_read_is_skipped_and_counted(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        worker.write("u1", b"{junk")
        worker.write("u1", None)
        worker.send(feed("u1", 7))
        assert read(subscriber, 1) == [("u1", 7)]
        assert subscriber.undecodable == 1


def test_a_subscriber_of_one_user_and_kind_gets_only_those(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, user_id="u1", kind="similar") as subscriber:
        worker.send(feed("u2", 1, kind="similar"), feed("u1", 2), feed("u1", 3, kind="similar"))
        assert read(subscriber, 1) == [("u1", 3)]


def test_a_poll_without_lists_ends_at_its_timeout(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        before = time.monotonic()
        assert subscriber.poll(0.3) == []
        assert time.monotonic() - before >= 0.3


def test_iteration_gives_list_after_list_until_it_is_closed(worker: Worker) -> None:
    subscriber = RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix)
    worker.send(feed("u1", 1), feed("u1", 2))
    seen = []
    for lists in subscriber:
        seen.append(lists.seq)
        if len(seen) == 2:
            subscriber.close()
    assert seen == [1, 2]


def test_a_group_resumes_where_it_stopped(worker: Worker) -> None:
    group = f"{worker.prefix}feed"
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, group=group) as subscriber:
        worker.send(feed("u1", 1))
        assert read(subscriber, 1) == [("u1", 1)]
    worker.send(feed("u1", 2))
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, group=group) as subscriber:
        assert read(subscriber, 1) == [("u1", 2)]


def test_a_subscriber_without_the_topic_says_what_to_do(stack: RunningStack) -> None:
    with pytest.raises(BrokerUnavailable, match="run `sightline topics create`"):
        RecommendationSubscriber(stack.endpoints.kafka, prefix="no-such-prefix.")
