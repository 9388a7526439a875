"""The floor: our own handler with no framework around it, between confluent-kafka's consumer and producer.

What it takes is the price of a recommendation; what the real worker takes on top is the price of Faust.
Run it as a worker: `python -m benchmarks.floor interactions`, set up by the same environment variables.
"""

import asyncio
import signal
from contextlib import AsyncExitStack

from confluent_kafka import Consumer, Message, TopicPartition
from threadpoolctl import threadpool_limits

from deploy.local import Stack
from inference.catalog import Catalog
from state.conditions import Conditions
from state.keys import Keys
from state.profiles import ProfileStore
from state.redis import RedisPartitions, connect
from state.signals import SignalStore
from streams import collector, topics
from streams.breaker import Breaker, RefusalLimit
from streams.conditions import ALL as CONDITIONS
from streams.crowd import Crowd
from streams.endpoint import Endpoint
from streams.interactions import InteractionsAgent
from streams.logs import configure_logs
from streams.output import KafkaPublisher
from streams.parsing import Record
from streams.positions import Positions
from streams.replica import CatalogReplica
from streams.settings import Settings, read_settings
from streams.signals import SignalTopic

_POLL_S = 0.02


class PlainConsumer:
    """All partitions of a topic in no group, from the record after each position."""

    def __init__(self, kafka: str, topic: str, positions: dict[int, int]) -> None:
        self._topic = topic
        self._last = dict(positions)
        self._consumer = Consumer({"bootstrap.servers": kafka, "group.id": "floor", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(topic, p, position + 1) for p, position in positions.items()])

    def waiting(self, limit: int) -> list[Record]:
        """What has arrived, at most `limit` records; waits for the first a moment only."""
        first = self._consumer.poll(_POLL_S)
        if first is None:
            return []
        return [self._record(message) for message in (first, *self._consumer.consume(limit - 1, 0))]

    async def rewind(self, partition: int, position: int) -> None:
        """Read again from the record after `position`."""
        self._last[partition] = position
        self._consumer.seek(TopicPartition(self._topic, partition, position + 1))

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _record(self, message: Message) -> Record:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None or partition is None or offset is None:
            raise RuntimeError(f"{self._topic} cannot be read: {error}")
        after, self._last[partition] = self._last[partition], offset
        timestamp_ms = message.timestamp()[1]
        return Record(self._topic, partition, offset, timestamp_ms, message.key(), message.value(), after=after)


async def run_floor(settings: Settings) -> None:
    """Do what the interactions worker does, until SIGTERM."""
    configure_logs(settings.log_level)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    lacks = ["starting"]
    with threadpool_limits(limits=1):
        async with AsyncExitStack() as stack:
            endpoint = Endpoint(settings.metrics_host, settings.metrics_port, live=list, ready=lambda: lacks)
            stack.callback(endpoint.close)
            endpoint.start()
            agent, consumer = await _wire(settings, stack)
            collector.leave_to_itself()
            lacks.clear()
            while not stop.is_set():
                records = consumer.waiting(settings.batch_limit)
                if records:
                    await agent.handle(records)
                # What else this loop has to do (trends, the catalogue's tail) gets its turn.
                await asyncio.sleep(0)


async def _wire(settings: Settings, stack: AsyncExitStack) -> tuple[InteractionsAgent, PlainConsumer]:
    """What `streams.wiring` has for interactions, Faust's consumer left out."""
    addresses, prefix = Stack(settings).endpoints(), settings.topic_prefix
    redis = connect(addresses.redis)
    stack.push_async_callback(redis.aclose)
    profiles = ProfileStore(RedisPartitions(redis, Keys(prefix), observe=_ignore))
    signals = SignalStore(RedisPartitions(redis, Keys(f"{prefix}s"), observe=_ignore), settings.partitions)
    crowd = Crowd(signals, Conditions(redis, prefix, CONDITIONS, observe=_ignore))
    stack.push_async_callback(crowd.stop)
    catalog = Catalog(settings.dimensions)
    replica = CatalogReplica(addresses.kafka, prefix + topics.CATALOG.name, catalog)
    await replica.start()
    stack.push_async_callback(replica.stop)
    await crowd.start()
    lists = KafkaPublisher(addresses.kafka, client_id="floor")
    stack.push_async_callback(lists.close)
    await lists.warm_up([prefix + topics.RECOMMENDATIONS.name])
    signals_out = KafkaPublisher(addresses.kafka, client_id="floor-signals")
    stack.push_async_callback(signals_out.close)
    await signals_out.warm_up([prefix + topics.SIGNALS.name])
    positions = await profiles.positions(range(settings.partitions))
    consumer = PlainConsumer(addresses.kafka, prefix + topics.INTERACTIONS.name, positions)
    stack.callback(consumer.close)
    agent = InteractionsAgent(
        profiles,
        crowd,
        catalog,
        lists,
        signals_out,
        Positions(consumer.rewind),
        SignalTopic(prefix, settings.partitions),
        Breaker(topics.INTERACTIONS.name, RefusalLimit()),
        prefix=prefix,
        partitions=settings.partitions,
        list_length=settings.list_length,
    )
    await agent.start()
    stack.push_async_callback(agent.stop)
    return agent, consumer


def _ignore(_op: str, _seconds: float | None) -> None:
    pass


if __name__ == "__main__":
    asyncio.run(run_floor(read_settings()))
