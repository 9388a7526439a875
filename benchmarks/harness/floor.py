"""The floor: our handler between confluent-kafka's consumer and producer, without a framework.

Its time is the cost of a recommendation; the extra time of the real worker is the cost of Faust.
Run it as a worker: `python -m benchmarks.harness.floor interactions`, with the same environment variables.
"""

import asyncio
import signal
from contextlib import AsyncExitStack

import uvloop
from confluent_kafka import Consumer, Message, TopicPartition
from threadpoolctl import threadpool_limits

from deploy.local import Stack
from streams.interactions.agent import InteractionsAgent
from streams.logs import configure_logs
from streams.processing.positions import Positions
from streams.settings import Settings, read_settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.worker import gc_tuning
from streams.worker.probes import Probes
from streams.worker.resources import Addresses, Resources
from streams.worker.wiring import make_interactions_agent

_POLL_S = 0.02


class PlainConsumer:
    """Reads all partitions of a topic without a group, from the record after each position."""

    def __init__(self, kafka: str, topic: str, positions: dict[int, int]) -> None:
        self._topic = topic
        self._last = dict(positions)
        self._consumer = Consumer({"bootstrap.servers": kafka, "group.id": "floor", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(topic, p, position + 1) for p, position in positions.items()])

    def waiting(self, limit: int) -> list[Record]:
        """The records that have arrived, at most `limit`; waits _POLL_S for the first."""
        first = self._consumer.poll(_POLL_S)
        if first is None:
            return []
        return [self._record(message) for message in (first, *self._consumer.consume(limit - 1, 0))]

    def rewind(self, partition: int, position: int) -> None:
        """Read again from the record after `position`."""
        self._last[partition] = position
        self._consumer.seek(TopicPartition(self._topic, partition, position + 1))

    def close(self) -> None:
        """Disconnect from the broker."""
        self._consumer.close()

    def _record(self, message: Message) -> Record:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None or partition is None or offset is None:
            raise RuntimeError(f"{self._topic} cannot be read: {error}")
        after, self._last[partition] = self._last[partition], offset
        timestamp_ms = message.timestamp()[1]
        return Record(self._topic, partition, offset, timestamp_ms, message.key(), message.value(), after=after)


async def run_floor(settings: Settings) -> None:
    """Do the work of the interactions worker until SIGTERM."""
    configure_logs(settings.log_level)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    lacks = ["starting"]
    with threadpool_limits(limits=1):
        async with AsyncExitStack() as stack:
            endpoint = Probes(settings.metrics_host, settings.metrics_port, live=list, ready=lambda: lacks)
            stack.callback(endpoint.close)
            endpoint.start()
            agent, consumer = await _wire(settings, stack)
            gc_tuning.keep()
            lacks.clear()
            while not stop.is_set():
                records = consumer.waiting(settings.batch_limit)
                if records:
                    await agent.handle(records)
                # Other tasks of this loop (trends, new catalogue records) get their turn.
                await asyncio.sleep(0)


async def _wire(settings: Settings, stack: AsyncExitStack) -> tuple[InteractionsAgent, PlainConsumer]:
    found = Stack(settings).endpoints()
    resources = Resources(settings, Addresses(found.kafka, found.redis, found.triton), stack)

    async def rewind(partition: int, position: int) -> None:
        consumer.rewind(partition, position)

    agent, _ = await make_interactions_agent(resources, Positions(rewind))
    consumer = PlainConsumer(
        found.kafka,
        Namespace(settings.topic_prefix).topic(topics.INTERACTIONS),
        await agent.store_loop.take_up(range(settings.partitions)),
    )
    stack.callback(consumer.close)
    return agent, consumer


if __name__ == "__main__":
    uvloop.run(run_floor(read_settings()))
