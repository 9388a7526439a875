import pytest
from faust.types import TP
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types

from streams.errors import BrokerUnavailable
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.publisher import KafkaPublisher
from streams.wire.records import Message
from tests.conftest import RunningStack
from tests.harness.fakes import until


@pytest.mark.stack
async def test_the_end_is_the_offset_after_the_last_record(stack: RunningStack, topic_prefix: str) -> None:
    kafka, topic = stack.endpoints.kafka, f"{topic_prefix}log"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    publisher = KafkaPublisher(kafka)
    await publisher.publish([Message(topic, b"k", b"v", partition=1)] * 3)
    await until(lambda: publisher.undelivered == 0)
    await publisher.close()
    assert await EndOffsets(kafka).read([TP(topic, 0), TP(topic, 1)]) == {TP(topic, 0): 0, TP(topic, 1): 3}


async def test_a_kafka_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable):
        await EndOffsets("127.0.0.1:1").read([TP("log", 0)])


async def test_nothing_is_asked_about_no_partitions() -> None:
    assert await EndOffsets("127.0.0.1:1").read([]) == {}
