import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer  # type: ignore[import-untyped]  # ships no types

from streams.client import EventPublisher, LatestLists, RecommendationSubscriber
from streams.errors import BrokerUnavailable, InvalidEvent, NotDelivered
from streams.kafka.admin import create_topics
from streams.wire.events import Interaction, Recommendations, Trigger, Upload, encode
from streams.wire.routing import partition_of
from tests.conftest import RunningStack

PARTITIONS = 4
NOTHING_LISTENS = "127.0.0.1:1"


def click(user: str = "u1", event: str = "c-1") -> Interaction:
    return Interaction(event_id=event, type="click", user_id=user, item_id="i9", occurred_at_ms=0)


def feed(user: str, seq: int, **changes: object) -> Recommendations:
    made = Recommendations(
        rec_id=f"r-{seq}",
        user_id=user,
        seq=seq,
        kind="feed",
        generated_at_ms=0,
        trigger=Trigger(event_id="c-1", type="click", item_id="i9", occurred_at_ms=0),
        items=[],
        filtered={},
        degraded=[],
        model={},
        timings_ms={},
    )
    return msgspec.structs.replace(made, **changes)


class Worker:
    """Writes to the topic of lists as a worker does."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self._producer = KafkaProducer(bootstrap_servers=bootstrap)

    def write(self, user: str, value: bytes | None) -> None:
        self._producer.send(f"{self.prefix}recommendations", key=user.encode(), value=value).get(20)

    def send(self, *lists: Recommendations) -> None:
        for one in lists:
            self.write(one.user_id, encode(one))

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def worker(stack: RunningStack, topic_prefix: str) -> Iterator[Worker]:
    create_topics(stack.endpoints.kafka, topic_prefix, PARTITIONS, 1)
    made = Worker(stack.endpoints.kafka, topic_prefix)
    yield made
    made.close()


def forbid_large_events(bootstrap: str, prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    options = {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": "80"}}
    admin.create_topics({f"{prefix}events.interactions": options}, wait_for_metadata=True)
    admin.close()


def read(subscriber: RecommendationSubscriber, count: int) -> list[tuple[str, int]]:
    """The first `count` lists as (user, seq)."""
    got: list[tuple[str, int]] = []
    deadline = time.monotonic() + 20
    while len(got) < count and time.monotonic() < deadline:
        got += [(lists.user_id, lists.seq) for lists in subscriber.poll(1.0)]
    return got


# Without Kafka


def test_a_list_older_than_one_already_given_is_stale() -> None:
    latest = LatestLists(10)
    assert [latest.accept(feed("u1", seq)) for seq in (5, 4, 6)] == [True, False, True]


def test_a_list_given_again_is_stale() -> None:
    latest = LatestLists(10)
    assert [latest.accept(feed("u1", 5)), latest.accept(feed("u1", 5))] == [True, False]


def test_users_and_kinds_have_their_own_seq() -> None:
    latest = LatestLists(10)
    lists = [feed("u1", 5), feed("u2", 4), feed("u1", 3, kind="similar")]
    assert [latest.accept(one) for one in lists] == [True, True, True]


def test_the_memory_of_seqs_is_bounded_and_forgets_the_user_heard_of_longest_ago() -> None:
    latest = LatestLists(2)
    for one in (feed("u1", 5), feed("u2", 5), feed("u1", 6), feed("u3", 5)):
        latest.accept(one)
    assert latest.accept(feed("u2", 1))
    assert not latest.accept(feed("u3", 1))


@pytest.mark.parametrize("make", [EventPublisher, RecommendationSubscriber])
def test_a_client_without_kafka_says_at_once_what_to_do(
    make: type[EventPublisher] | type[RecommendationSubscriber],
) -> None:
    with pytest.raises(BrokerUnavailable, match=r"no Kafka answers at 127\.0\.0\.1:1 .*`sightline up`"):
        make(NOTHING_LISTENS)


def test_an_address_without_a_port_is_named() -> None:
    with pytest.raises(BrokerUnavailable, match="'kafka' is not host:port"):
        EventPublisher("kafka")


# With Kafka


@pytest.mark.stack
def test_an_event_goes_to_its_topic_and_to_the_partition_of_its_key(worker: Worker) -> None:
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        written = publisher.publish(click("u3")).get(20)
    assert (written.topic, written.partition) == (
        f"{worker.prefix}events.interactions",
        partition_of(b"u3", PARTITIONS),
    )


@pytest.mark.stack
def test_flush_returns_when_everything_is_acknowledged(worker: Worker) -> None:
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        futures = [publisher.publish(click(f"u{n}", f"c-{n}")) for n in range(500)]
        publisher.flush()
        assert all(future.succeeded() for future in futures)


@pytest.mark.stack
def test_an_event_over_64_kib_is_refused_before_it_is_sent(worker: Worker) -> None:
    big = Upload(event_id="n", item_id="i" * 100, user_id="u1", occurred_at_ms=0, image=b"\0" * (1024 * 1024))
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        assert publisher.publish(big).get(20).offset == 0
        with pytest.raises(InvalidEvent, match="at most 65536 are accepted"):
            publisher.publish(click("u" * 70_000))


@pytest.mark.stack
def test_an_event_that_would_be_a_dead_letter_is_refused(worker: Worker) -> None:
    wrong = Interaction(event_id="", type="click", user_id="u1", item_id="i9", occurred_at_ms=0)
    with (
        EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher,
        pytest.raises(InvalidEvent, match="event_id"),
    ):
        publisher.publish(wrong)


@pytest.mark.stack
@pytest.mark.parametrize("event", [click("\ud800"), click("u1", "\ud800")])
def test_an_event_with_a_lone_surrogate_is_refused(worker: Worker, event: Interaction) -> None:
    with (
        EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher,
        pytest.raises(InvalidEvent, match="not Unicode"),
    ):
        publisher.publish(event)


@pytest.mark.stack
def test_an_event_for_a_topic_that_does_not_exist_is_not_delivered(stack: RunningStack) -> None:
    publisher = EventPublisher(stack.endpoints.kafka, prefix="no-such-prefix.")
    try:
        with pytest.raises(NotDelivered, match=r"no-such-prefix\.events\.interactions cannot be written"):
            publisher.publish(click())
    finally:
        publisher.close()


@pytest.mark.stack
def test_flush_fails_once_when_kafka_refuses_an_event(stack: RunningStack, topic_prefix: str) -> None:
    forbid_large_events(stack.endpoints.kafka, topic_prefix)
    with EventPublisher(stack.endpoints.kafka, prefix=topic_prefix) as publisher:
        publisher.publish(click())
        with pytest.raises(NotDelivered, match=r"1 events were not delivered; the first because: .*TooLarge"):
            publisher.flush()
        publisher.flush()


@pytest.mark.stack
def test_flush_names_what_kafka_has_not_acknowledged_in_time_and_delivers_it_later(
    stack: RunningStack, worker: Worker
) -> None:
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        publisher.publish(click()).get(20)
        stack.stack.pause("kafka")
        try:
            late = publisher.publish(click("u1", "c-2"))
            with pytest.raises(NotDelivered, match=r"1 events are not acknowledged after 0\.3 s"):
                publisher.flush(0.3)
        finally:
            stack.stack.resume("kafka")
        publisher.flush()
        assert late.get(0).offset == 1


@pytest.mark.stack
def test_a_publisher_waits_for_kafka_before_it_holds_more_than_32_mib(stack: RunningStack, worker: Worker) -> None:
    def publish_56_mib() -> None:
        for n in range(40):
            publisher.publish(
                Upload(event_id=f"n-{n}", item_id="i9", user_id="u1", occurred_at_ms=0, image=b"\0" * (1 << 20))
            )

    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        publisher.publish(click()).get(20)
        stack.stack.pause("kafka")
        try:
            thread = threading.Thread(target=publish_56_mib)
            thread.start()
            thread.join(3)
            assert thread.is_alive()
        finally:
            stack.stack.resume("kafka")
        thread.join(60)
        assert not thread.is_alive()
        publisher.flush()


@pytest.mark.stack
def test_a_subscriber_gets_what_is_published_after_it_was_made_and_nothing_before(worker: Worker) -> None:
    worker.send(feed("u1", 1))
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        worker.send(feed("u1", 2), feed("u2", 3))
        assert sorted(read(subscriber, 2)) == [("u1", 2), ("u2", 3)]


@pytest.mark.stack
def test_a_subscriber_can_start_from_the_oldest_list(worker: Worker) -> None:
    worker.send(feed("u1", 1), feed("u1", 2))
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, from_beginning=True) as subscriber:
        assert read(subscriber, 2) == [("u1", 1), ("u1", 2)]


@pytest.mark.stack
def test_a_stale_list_is_dropped(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        worker.send(feed("u1", 5), feed("u1", 4), feed("u1", 6))
        assert read(subscriber, 2) == [("u1", 5), ("u1", 6)]


@pytest.mark.stack
def test_a_list_that_cannot_be_read_is_skipped_and_counted(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        worker.write("u1", b"{junk")
        worker.write("u1", None)
        worker.send(feed("u1", 7))
        assert read(subscriber, 1) == [("u1", 7)]
        assert subscriber.undecodable == 1


@pytest.mark.stack
def test_a_subscriber_of_one_user_and_kind_gets_only_those(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, user_id="u1", kind="similar") as subscriber:
        worker.send(feed("u2", 1, kind="similar"), feed("u1", 2), feed("u1", 3, kind="similar"))
        assert read(subscriber, 1) == [("u1", 3)]


@pytest.mark.stack
def test_a_poll_without_lists_ends_at_its_timeout(worker: Worker) -> None:
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix) as subscriber:
        before = time.monotonic()
        assert subscriber.poll(0.3) == []
        assert time.monotonic() - before >= 0.3


@pytest.mark.stack
def test_iteration_gives_list_after_list_until_it_is_closed(worker: Worker) -> None:
    subscriber = RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix)
    worker.send(feed("u1", 1), feed("u1", 2))
    seen = []
    for lists in subscriber:
        seen.append(lists.seq)
        if len(seen) == 2:
            subscriber.close()
    assert seen == [1, 2]


@pytest.mark.stack
def test_a_group_resumes_where_it_stopped(worker: Worker) -> None:
    group = f"{worker.prefix}feed"
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, group=group) as subscriber:
        worker.send(feed("u1", 1))
        assert read(subscriber, 1) == [("u1", 1)]
    worker.send(feed("u1", 2))
    with RecommendationSubscriber(worker.bootstrap, prefix=worker.prefix, group=group) as subscriber:
        assert read(subscriber, 1) == [("u1", 2)]


@pytest.mark.stack
def test_a_subscriber_without_the_topic_says_what_to_do(stack: RunningStack) -> None:
    with pytest.raises(BrokerUnavailable, match="run `sightline topics create`"):
        RecommendationSubscriber(stack.endpoints.kafka, prefix="no-such-prefix.")
