import asyncio
import gc
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from faust.types import TP

from deploy.kafka_cluster import KafkaCluster
from streams.errors import BrokerUnavailable
from streams.kafka.admin_client import TIMEOUT_S, connected_admin
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.publisher import KafkaPublisher
from streams.wire.records import Message
from tests.conftest import RunningStack
from tests.harness.fakes import until


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
async def end_offsets(stack: RunningStack) -> AsyncIterator[EndOffsets]:
    made = EndOffsets(stack.endpoints.kafka)
    yield made
    await made.close()


def create(kafka: str, topic: str) -> None:
    with connected_admin(kafka) as admin:
        admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)


def names(kafka: str) -> list[str]:
    with connected_admin(kafka) as admin:
        found: list[str] = admin.list_topics()
        return found


async def publish(kafka: str, topic: str, count: int) -> None:
    publisher = KafkaPublisher(kafka)
    await publisher.publish([Message(topic, b"k", b"v", partition=1)] * count)
    await until(lambda: publisher.undelivered == 0)
    await publisher.close()


@pytest.mark.stack
async def test_the_end_is_the_offset_after_the_last_record(
    stack: RunningStack, end_offsets: EndOffsets, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}log"
    create(stack.endpoints.kafka, topic)
    await publish(stack.endpoints.kafka, topic, 3)
    assert await end_offsets.read([TP(topic, 0), TP(topic, 1)]) == {TP(topic, 0): 0, TP(topic, 1): 3}


@pytest.mark.stack
async def test_a_topic_is_found_once_it_exists_and_missed_once_it_does_not(
    stack: RunningStack, end_offsets: EndOffsets, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}log"
    with pytest.raises(BrokerUnavailable):
        await end_offsets.read([TP(topic, 1)])
    create(stack.endpoints.kafka, topic)
    assert await end_offsets.read([TP(topic, 1)]) == {TP(topic, 1): 0}
    with connected_admin(stack.endpoints.kafka) as admin:
        admin.delete_topics([topic])
    await until(lambda: topic not in names(stack.endpoints.kafka))
    with pytest.raises(BrokerUnavailable):
        await end_offsets.read([TP(topic, 1)])


# kafka-python leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.stack
async def test_it_reads_on_after_a_restart_of_the_broker(
    stack: RunningStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A captured log record would keep such a socket until a later test.
    caplog.set_level("CRITICAL", "kafka")
    cluster = KafkaCluster(tmp_path, stack.settings.tools.resolve(), count=1)
    try:
        cluster.up()
        create(cluster.bootstrap, "log")
        end_offsets = EndOffsets(cluster.bootstrap)
        assert await end_offsets.read([TP("log", 1)]) == {TP("log", 1): 0}
        cluster.down()
        with pytest.raises(BrokerUnavailable):
            await end_offsets.read([TP("log", 1)])
        cluster.up()
        await publish(cluster.bootstrap, "log", 2)
        assert await end_offsets.read([TP("log", 1)]) == {TP("log", 1): 2}
        await end_offsets.close()
        gc.collect()
    finally:
        cluster.down()


async def test_a_kafka_that_cannot_be_reached_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable):
        await EndOffsets("127.0.0.1:1").read([TP("log", 0)])


async def test_a_kafka_that_says_nothing_is_unavailable_and_the_event_loop_runs_on(silent: str) -> None:
    end_offsets = EndOffsets(silent)
    begun = time.monotonic()
    reading = asyncio.create_task(end_offsets.read([TP("log", 0)]))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert isinstance(reading.exception(), BrokerUnavailable)
    assert time.monotonic() - begun < TIMEOUT_S + 2
    assert turns > 50
    await end_offsets.close()


async def test_a_client_that_could_not_connect_leaves_no_thread(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.admin_client.TIMEOUT_S", 0.3)
    end_offsets = EndOffsets(silent)
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            await end_offsets.read([TP("log", 0)])
    await end_offsets.close()
    assert [each.name for each in threading.enumerate() if each.name.startswith("kafka-io")] == []


async def test_nothing_is_asked_about_no_partitions() -> None:
    assert await EndOffsets("127.0.0.1:1").read([]) == {}
