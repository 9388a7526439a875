import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaProducer  # type: ignore[import-untyped]  # ships no types

from sightline_client.routing import partition_of
from streams.client import EventPublisher
from streams.errors import BrokerUnavailable
from streams.kafka.admin import broker_version, check_topics, create_topics, find_misrouted
from streams.wire.events import Interaction
from streams.wire.namespace import Namespace
from streams.wire.topics import ALL
from tests.conftest import RunningStack
from tests.harness.fakes import HeaderName

pytestmark = pytest.mark.stack


def click(user: str) -> Interaction:
    return Interaction(event_id=f"c-{user}", type="click", user_id=user, item_id="i9", occurred_at_ms=0)


def test_all_topics_are_created(stack: RunningStack, topic_prefix: str) -> None:
    done = create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    assert done.created == [topic_prefix + topic.name for topic in ALL]
    assert check_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4) == []


def test_topics_that_exist_are_left_alone(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    again = create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 6, 1)
    assert (again.created, len(again.existing)) == ([], len(ALL))
    assert check_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4) == []


def test_a_missing_topic_is_named(stack: RunningStack, topic_prefix: str) -> None:
    differences = check_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4)
    assert [one.subject for one in differences] == [topic_prefix + topic.name for topic in ALL]
    assert "run `sightline topics create`" in differences[0].text


def test_another_partition_count_is_named(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 2, 1)
    assert "has 2 partitions, not 4" in check_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4)[0].text


def test_another_setting_is_named(stack: RunningStack, topic_prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=stack.endpoints.kafka)
    admin.create_topics({f"{topic_prefix}recommendations": {"num_partitions": 4, "replication_factor": 1}})
    admin.close()
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    [policy] = [
        one.text for one in check_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4) if "policy" in one.text
    ]
    assert policy == (
        "has cleanup.policy=delete, not compact,delete: unless that is intended, set it with kafka-configs.sh --alter "
        f"--entity-type topics --entity-name {topic_prefix}recommendations --add-config cleanup.policy=[compact,delete]"
    )


def test_a_batch_as_large_as_librdkafka_makes_it_is_taken(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 1, 1)
    producer = Producer({"bootstrap.servers": stack.endpoints.kafka, "linger.ms": 500})
    refused: list[object] = []
    for _ in range(3000):
        producer.produce(f"{topic_prefix}events.items", b"x" * 990, on_delivery=lambda error, _: refused.append(error))
    assert producer.flush(30) == 0
    assert set(refused) == {None}


def test_more_replicas_than_brokers_are_refused_with_kafkas_words(stack: RunningStack, topic_prefix: str) -> None:
    with pytest.raises(BrokerUnavailable, match=r"Kafka refused to create .*replication factor"):
        create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 3)


def test_the_version_of_kafka_is_told(stack: RunningStack) -> None:
    assert broker_version(stack.endpoints.kafka) == "4.1"


def test_without_kafka_it_says_what_to_do() -> None:
    with pytest.raises(BrokerUnavailable, match="`sightline up`"):
        broker_version("127.0.0.1:1")


def test_records_of_our_publisher_lie_where_they_should(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    with EventPublisher(stack.endpoints.kafka, prefix=topic_prefix) as publisher:
        for n in range(20):
            publisher.publish(click(f"u{n}"))
    assert find_misrouted(stack.endpoints.kafka, Namespace(topic_prefix)) == (20, [])


def test_a_record_on_another_partition_is_found(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    expected = partition_of(b"u1", 4)
    elsewhere = (expected + 1) % 4
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    producer.send(f"{topic_prefix}events.interactions", key=b"u1", value=b"{}", partition=elsewhere).get(20)
    producer.close()
    read, wrong = find_misrouted(stack.endpoints.kafka, Namespace(topic_prefix))
    assert (read, [(one.partition, one.expected) for one in wrong]) == (1, [(elsewhere, expected)])


def send(kafka: str, topic: str, partition: int, count: int, *, compression: str) -> None:
    producer = Producer({"bootstrap.servers": kafka, "compression.type": compression, "linger.ms": 50})
    for _ in range(count):
        producer.produce(topic, b"{}" * 500, b"u1", partition=partition)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_a_misrouted_record_is_found_in_a_compressed_batch(
    stack: RunningStack, topic_prefix: str, compression: str
) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    elsewhere = (partition_of(b"u1", 4) + 1) % 4
    send(stack.endpoints.kafka, f"{topic_prefix}events.interactions", elsewhere, 50, compression=compression)
    read, wrong = find_misrouted(stack.endpoints.kafka, Namespace(topic_prefix))
    assert (read, [one.offset for one in wrong]) == (20, list(range(30, 50)))


def test_a_header_with_a_broken_name_hides_no_misrouted_record(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    elsewhere = (partition_of(b"u1", 4) + 1) % 4
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    for headers in ([(HeaderName(b"n\xff"), b"1")], []):
        topic = f"{topic_prefix}events.interactions"
        producer.send(topic, key=b"u1", value=b"{}", headers=headers, partition=elsewhere).get(20)
    producer.close()
    read, wrong = find_misrouted(stack.endpoints.kafka, Namespace(topic_prefix))
    assert (read, [one.offset for one in wrong]) == (2, [0, 1])


def test_records_without_a_key_are_not_misrouted(stack: RunningStack, topic_prefix: str) -> None:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 4, 1)
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    producer.send(f"{topic_prefix}events.interactions", value=b"{}").get(20)
    producer.close()
    assert find_misrouted(stack.endpoints.kafka, Namespace(topic_prefix)) == (0, [])
