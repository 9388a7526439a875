import threading

import pytest
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types

from sightline_client import EventPublisher, Interaction, InvalidEvent, NotDelivered, Upload, partition_of
from tests.client.conftest import PARTITIONS, Worker, click
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


def forbid_large_events(bootstrap: str, prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    options = {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": "80"}}
    admin.create_topics({f"{prefix}events.interactions": options}, wait_for_metadata=True)
    admin.close()


def test_an_event_goes_to_its_topic_and_to_the_partition_of_its_key(worker: Worker) -> None:
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        written = publisher.publish(click("u3")).get(20)
    assert (written.topic, written.partition) == (
        f"{worker.prefix}events.interactions",
        partition_of(b"u3", PARTITIONS),
    )


def test_flush_returns_when_everything_is_acknowledged(worker: Worker) -> None:
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        futures = [publisher.publish(click(f"u{n}", f"c-{n}")) for n in range(500)]
        publisher.flush()
        assert all(future.succeeded() for future in futures)


def test_an_event_over_64_kib_is_refused_before_it_is_sent(worker: Worker) -> None:
    big = Upload(event_id="n", item_id="i" * 100, user_id="u1", occurred_at_ms=0, image=b"\0" * (1024 * 1024))
    with EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher:
        assert publisher.publish(big).get(20).offset == 0
        with pytest.raises(InvalidEvent, match="at most 65536 are accepted"):
            publisher.publish(click("u" * 70_000))


def test_an_event_that_would_be_a_dead_letter_is_refused(worker: Worker) -> None:
    wrong = Interaction(event_id="", type="click", user_id="u1", item_id="i9", occurred_at_ms=0)
    with (
        EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher,
        pytest.raises(InvalidEvent, match="event_id"),
    ):
        publisher.publish(wrong)


@pytest.mark.parametrize("event", [click("\ud800"), click("u1", "\ud800")])
def test_an_event_with_a_lone_surrogate_is_refused(worker: Worker, event: Interaction) -> None:
    with (
        EventPublisher(worker.bootstrap, prefix=worker.prefix) as publisher,
        pytest.raises(InvalidEvent, match="not Unicode"),
    ):
        publisher.publish(event)


def test_an_event_for_a_topic_that_does_not_exist_is_not_delivered(stack: RunningStack) -> None:
    publisher = EventPublisher(stack.endpoints.kafka, prefix="no-such-prefix.")
    try:
        with pytest.raises(NotDelivered, match=r"no-such-prefix\.events\.interactions cannot be written"):
            publisher.publish(click())
    finally:
        publisher.close()


def test_flush_fails_once_when_kafka_refuses_an_event(stack: RunningStack, topic_prefix: str) -> None:
    forbid_large_events(stack.endpoints.kafka, topic_prefix)
    with EventPublisher(stack.endpoints.kafka, prefix=topic_prefix) as publisher:
        publisher.publish(click())
        with pytest.raises(NotDelivered, match=r"1 events were not delivered; the first because: .*TooLarge"):
            publisher.flush()
        publisher.flush()


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
