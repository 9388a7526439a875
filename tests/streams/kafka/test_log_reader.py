"""What a real topic holds, read back."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from streams.errors import BrokerUnavailable
from streams.kafka.admin import create_topics
from streams.kafka.log_reader import Extent, KafkaLogReader
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack
from tests.harness.fakes import DEADLINE_S, HeaderName

pytestmark = pytest.mark.stack

#: Not long ago, or Kafka would soon delete the records as too old.
START_MS = time.time_ns() // 1_000_000 - 60_000


@pytest.fixture
def log(stack: RunningStack) -> Iterator[KafkaLogReader]:
    log = KafkaLogReader(stack.endpoints.kafka)
    yield log
    log.close()


@pytest.fixture
def topic(stack: RunningStack, topic_prefix: str) -> str:
    """Twenty records on partition 1, a second apart, in two transactions; the second, of two records, was aborted."""
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), 2, 1)
    name = f"{topic_prefix}recommendations"
    producer = Producer({"bootstrap.servers": stack.endpoints.kafka, "transactional.id": topic_prefix})
    producer.init_transactions(30)
    for numbers, end in ((range(18), producer.commit_transaction), (range(18, 20), producer.abort_transaction)):
        producer.begin_transaction()
        for n in numbers:
            at_ms = START_MS + 1000 * n
            producer.produce(
                name, b"%d" % n, b"k", partition=1, timestamp=at_ms, headers=[("h", b"\xff"), ("none", None)]
            )
        producer.flush(30)
        end(30)
    return name


def whole(log: KafkaLogReader, topic: str) -> Extent:
    """All of partition 1; the broker writes the marker of an aborted transaction a moment after it has answered."""
    deadline = time.monotonic() + DEADLINE_S
    while (extent := log.extent(topic, 1)) != Extent(0, 22):
        assert time.monotonic() < deadline, extent
        time.sleep(0.05)
    return extent


def test_all_that_was_committed_is_read_in_order_and_the_end_is_found_behind_a_transactions_marker(
    log: KafkaLogReader, topic: str
) -> None:
    extent = whole(log, topic)
    records = list(log.read(topic, 1, extent.first, extent.end))
    assert [record.value for record in records] == [b"%d" % n for n in range(18)]
    assert [record.offset for record in records] == [*range(18)]
    first = records[0]
    assert (first.key, first.timestamp_ms, first.headers) == (b"k", START_MS, (("h", b"\xff"), ("none", b"")))


def test_a_part_is_read_and_then_another(log: KafkaLogReader, topic: str) -> None:
    assert [record.offset for record in log.read(topic, 1, 3, 6)] == [3, 4, 5]
    assert [record.offset for record in log.read(topic, 1, 1, 2)] == [1]
    assert list(log.read(topic, 1, 5, 5)) == []


def test_nothing_is_read_of_an_empty_partition(log: KafkaLogReader, topic: str) -> None:
    assert log.extent(topic, 0) == Extent(0, 0)
    assert list(log.read(topic, 0, 0, 0)) == []


@pytest.mark.parametrize(("since_ms", "offset"), [(-(2**40), 0), (2000, 2), (2001, 3), (2**40, 22)])
def test_the_first_record_since_a_time_is_found(log: KafkaLogReader, topic: str, since_ms: int, offset: int) -> None:
    whole(log, topic)
    assert log.offset_at(topic, 1, START_MS + since_ms) == offset


def test_a_record_with_a_header_whose_name_is_not_utf_8_is_read_without_headers(
    log: KafkaLogReader, topic: str, stack: RunningStack
) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    # Often enough for Python to take its fast path.
    for _ in range(20):
        producer.send(topic, b"poison", b"k", headers=[(HeaderName(b"n\xff"), b"1")], partition=0)
        producer.send(topic, b"b", b"k", headers=[("h", b"2")], partition=0)
    producer.flush(30)
    producer.close()
    found = [(record.value, record.headers) for record in log.read(topic, 0, 0, 40)]
    assert found == [(b"poison", ()), (b"b", (("h", b"2"),))] * 20


def test_a_topic_that_does_not_exist_is_said_to_be_missing(log: KafkaLogReader) -> None:
    with pytest.raises(BrokerUnavailable, match="does not exist"):
        log.extent("not-there", 0)
    with pytest.raises(BrokerUnavailable, match="does not exist"):
        log.offset_at("not-there", 0, START_MS)
