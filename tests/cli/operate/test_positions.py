import asyncio
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition  # type: ignore[import-untyped]  # ships no types

from state.keys import Keys
from state.partitions import START, Commit
from state.redis import RedisPartitions, connect
from tests.cli.conftest import Run, last_json
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


@pytest.fixture
def cut(command: Run, stack: RunningStack, topic_prefix: str) -> TopicPartition:
    """Partition 2 of the interactions: of 10 records 3 are applied, and retention took the first 6."""
    partition = TopicPartition(f"{topic_prefix}events.interactions", 2)
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    for _ in range(10):
        producer.send(partition.topic, b"{}", partition=partition.partition).get(timeout=20)
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=stack.endpoints.kafka)
    admin.delete_records({partition: 6})
    admin.close()

    async def apply() -> None:
        client = connect(stack.endpoints.redis)
        store = RedisPartitions(client, Keys(topic_prefix), observe=lambda op, seconds: None)
        await store.commit([Commit(partition.partition, START, 2, {})])
        await client.aclose()

    asyncio.run(apply())
    return partition


def row(here: Run, partition: TopicPartition) -> dict[str, Any]:
    rows = last_json(here("positions", "show", "--json"))["positions"]
    (found,) = [one for one in rows if (one["topic"], one["partition"]) == partition]
    assert isinstance(found, dict)
    return found


def test_every_partition_is_shown_with_what_its_topic_has(command: Run, here: Run, cut: TopicPartition) -> None:
    shown = last_json(command("positions", "show", "--json"))["positions"]
    assert len(shown) == 2 * 4
    assert row(here, cut) == {"topic": cut.topic, "partition": 2, "position": 2, "first": 6, "end": 10}
    assert "events.interactions" in here("positions", "show").stdout


def test_lost_events_are_skipped_once_and_counted(command: Run, here: Run, cut: TopicPartition) -> None:
    assert last_json(command("positions", "skip-lost", "--json")) == {
        "skipped": [{"topic": cut.topic, "partition": 2, "lost": 3}]
    }
    assert row(here, cut)["position"] == 5
    assert here("positions", "skip-lost").stdout == "nothing was lost: no position was changed\n"
