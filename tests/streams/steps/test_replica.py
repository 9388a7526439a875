"""The ring's replica, on real Kafka."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from streams.kafka.admin import create_topics
from streams.kafka.publisher import KafkaPublisher
from streams.steps.replica import StepsReplica
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from streams.wire.steps import FORGOTTEN, encode_steps
from tests.conftest import RunningStack
from tests.harness.fakes import NOON, until
from tests.harness.interactions import metric

pytestmark = pytest.mark.stack

PARTITIONS = 3


class Topic:
    """The topic of one test, and replicas of it."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._name = bootstrap, f"{prefix}state.steps"
        self._prefix = prefix
        self.publisher = KafkaPublisher(bootstrap)
        self._replicas: list[StepsReplica] = []

    def create(self) -> None:
        create_topics(self._bootstrap, Namespace(self._prefix), PARTITIONS, 1)

    async def put(self, partition: int, *steps: tuple[int, int, int]) -> None:
        """A message of steps (offset, user, item)."""
        await self.write(partition, encode_steps((offset, NOON + offset, user, item) for offset, user, item in steps))

    async def write(self, partition: int, value: bytes) -> None:
        await self.publisher.publish([Message(self._name, None, value, partition=partition)])

    async def replica(self, limit: int = 1000) -> StepsReplica:
        replica = StepsReplica(self._bootstrap, self._name, limit, again_s=0.2)
        self._replicas.append(replica)
        await replica.start()
        return replica

    async def close(self) -> None:
        for replica in self._replicas:
            await replica.stop()
            assert replica.failure is None
        await self.publisher.close()


@pytest.fixture
async def topic(stack: RunningStack, topic_prefix: str) -> AsyncIterator[Topic]:
    made = Topic(stack.endpoints.kafka, topic_prefix)
    yield made
    await made.close()


async def test_a_started_replica_has_the_last_steps_and_follows(topic: Topic) -> None:
    topic.create()
    for offset in range(30):
        await topic.put(offset % PARTITIONS, (offset, 1 + offset, 10))
    whole, short = await topic.replica(), await topic.replica(limit=7)
    assert (len(whole.ring), len(short.ring), whole.is_known) == (30, 7, True)

    await topic.put(0, (100, 100, 10), (101, 1, FORGOTTEN))
    await topic.put(0, (101, 1, FORGOTTEN), (102, 101, 10))
    await until(lambda: len(whole.ring) == 31)
    await until(lambda: 100 in short.ring.users.keys.tolist() and len(short.ring) == 7)
    await until(lambda: metric("sightline_steps_lag_records") == 0)
    # Both replicas set it, each after the steps were applied.
    await until(lambda: metric("sightline_recent_steps") in (7, 31))


async def test_an_empty_topic_is_known_and_what_cannot_be_read_is_passed_over(topic: Topic) -> None:
    topic.create()
    replica = await topic.replica()
    assert (len(replica.ring), replica.is_known) == (0, True)

    before = metric("sightline_steps_total", outcome="refused")
    await topic.write(1, b"of another release")
    await topic.put(1, (5, 1, 10))
    await until(lambda: len(replica.ring) == 1)
    assert metric("sightline_steps_total", outcome="refused") == before + 1
    restarted = await topic.replica()
    assert len(restarted.ring) == 1


async def test_a_missing_topic_is_said_and_read_once_it_is_there(topic: Topic) -> None:
    with capture_logs() as lines:
        replica = await topic.replica()
    assert (len(replica.ring), replica.is_known) == (0, False)
    (warning,) = (line for line in lines if line["log_level"] == "warning")
    assert (warning["event"], "run `sightline topics create`" in warning["error"]) == ("recent_steps_unread", True)

    topic.create()
    await topic.put(0, (1, 1, 10))
    await until(lambda: len(replica.ring) == 1)
