"""One worker process: its parts are put together here, started in order, and ended in the reverse."""

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Literal

import stamina
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks
from threadpoolctl import threadpool_limits

from inference.catalog import Catalog
from inference.encoder import TritonEncoder
from inference.errors import EncoderUnavailable
from state.conditions import Conditions
from state.keys import Keys
from state.partitions import PartitionStore
from state.profiles import ProfileStore
from state.redis import Client, RedisPartitions, connect
from state.signals import SignalStore
from streams import topics
from streams.app import App, Handler, add_agent, make_app
from streams.breaker import Breaker, RefusalLimit
from streams.conditions import ALL as CONDITIONS
from streams.conditions import ENCODER, report_to
from streams.connection import sign_in
from streams.controls import Controls, control_keys
from streams.crowd import Crowd
from streams.decoder import Decoder
from streams.endpoint import Endpoint
from streams.fetching import Fetcher
from streams.interactions import InteractionsAgent
from streams.items import ItemChangesAgent, SignalsAgent
from streams.liveness import STUCK_S, Liveness
from streams.log_ends import LogEnds
from streams.logs import configure_logs, log
from streams.metrics import BUILD, CONSUMER_LAG, INFERENCE, INFERENCE_INFLIGHT, REDIS, REDIS_ERRORS
from streams.noise import TrendNoise
from streams.objects import Objects
from streams.output import KafkaPublisher
from streams.positions import Positions, Rewind
from streams.privacy import PrivacyAgent
from streams.replica import CatalogReplica
from streams.rollback_watch import RollbackWatch
from streams.security import kafka_security, redis_access, triton_tls
from streams.settings import Settings
from streams.signals import SignalTopic
from streams.snapshots import Snapshots
from streams.uploads import UploadsAgent

WorkerName = Literal["interactions", "uploads", "items"]
UPLOADS_AT_ONCE = 16
#: Trends and neighbours may be this much late, and so may a new picture be searchable; lists are not concerned.
SIGNALS_PAUSE_S = 0.05
LAG_REFRESH_S = 1.0
#: A worker that was told to end is gone by then, be Kafka away: what it did not store will be applied again.
END_S = 9.0
#: What a worker cannot do without, read or written.
_TOPICS: dict[WorkerName, tuple[topics.Topic, ...]] = {
    "interactions": (
        *(topics.INTERACTIONS, topics.RECOMMENDATIONS, topics.SIGNALS),
        *(topics.RECEIPTS, topics.EXPORTS, topics.DEAD_LETTERS),
    ),
    "uploads": (topics.UPLOADS, topics.INTERACTIONS, topics.SIGNALS, topics.RECOMMENDATIONS, topics.DEAD_LETTERS),
    "items": (
        *(topics.ITEMS, topics.SIGNALS, topics.CATALOG),
        *(topics.PRIVACY, topics.INTERACTIONS, topics.DEAD_LETTERS),
    ),
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are: host:port, a Redis URL, host:port of Triton's gRPC."""

    kafka: str
    redis: str
    triton: str


async def run_worker(name: WorkerName, settings: Settings, addresses: Addresses) -> int:
    """Run a worker until SIGTERM or SIGINT; the exit code is 1 if an agent failed."""
    configure_logs(settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Rows of a hundred candidates: threads would cost more than they bring, and fight for the cores.
    with threadpool_limits(limits=1):
        async with AsyncExitStack() as stack:
            worker = Worker(name, settings, addresses, stack)
            starting = asyncio.create_task(worker.start())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                # What it has begun is ended only after it has stopped beginning more.
                starting.cancel()
                await asyncio.wait({starting})
            else:
                await starting
                # What lives from now on lives for long: the collector need not look at it again.
                gc.collect()
                gc.freeze()
                await worker.watch(stop)
            stopping.cancel()
            deadline = threading.Timer(END_S, _give_up)
            deadline.daemon = True
            deadline.start()
    deadline.cancel()
    log.info("stopped", worker=name)
    return 0 if worker.failure is None else 1


def _give_up() -> None:
    log.error("stopped_hard", reason=f"not everything had ended after {END_S:.0f} s: a service is away")
    os._exit(1)


class Worker:
    """The parts of one process; `stack` ends them."""

    def __init__(self, name: WorkerName, settings: Settings, addresses: Addresses, stack: AsyncExitStack) -> None:
        self._name = name
        self._settings = settings
        self._addresses = addresses
        self._security = kafka_security(settings)
        self._stack = stack
        self._prefix = settings.topic_prefix
        self._ready = False
        self._beat = time.monotonic()
        self._parts: list[CatalogReplica | InteractionsAgent | RollbackWatch] = []
        self._publishers: list[KafkaPublisher] = []
        self._breakers: list[Breaker] = []
        self._signals = SignalTopic(self._prefix, settings.partitions)
        self.app: App = make_app(name, settings, addresses.kafka)
        self._liveness = Liveness(LogEnds(addresses.kafka, security=self._security).read)

    async def start(self) -> None:
        """Start everything, the agents last; raises what the parts raise when a service is not as it must be."""
        endpoint = Endpoint(
            self._settings.metrics_host, self._settings.metrics_port, live=self._live, ready=self._lacks
        )
        self._stack.callback(endpoint.close)
        endpoint.start()
        log.info("starting", worker=self._name, metrics_port=endpoint.port)
        await asyncio.to_thread(sign_in, self._addresses.kafka, self._security)
        self._publisher = self._new_publisher(f"sightline-{self._name}")
        self._stack.push_async_callback(self._publisher.close)
        wire: dict[WorkerName, Callable[[], Awaitable[None]]] = {
            "interactions": self._wire_interactions,
            "uploads": self._wire_uploads,
            "items": self._wire_items,
        }
        await self._publisher.warm_up([self._prefix + topic.name for topic in _TOPICS[self._name]])
        await wire[self._name]()
        self._stack.push_async_callback(self.app.stop)
        await self.app.start()
        while not self.app.assigned.is_set() and self.failure is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.app.assigned.wait(), LAG_REFRESH_S)
        # Whoever tries again is not stuck.
        set_on_retry_hooks([*get_on_retry_hooks(), lambda _: self._liveness.moved()])
        self._ready = True
        log.info("ready", worker=self._name)

    @property
    def failure(self) -> BaseException | None:
        """Why the process must end though nobody told it to: a part of it stopped by itself."""
        failures = (self.app.failure, self.app.crash_reason, *(part.failure for part in self._parts))
        return next((failure for failure in failures if failure is not None), None)

    async def watch(self, stop: asyncio.Event) -> None:
        """Keep the lag and the heartbeat current until `stop` is set or a part of the process has failed."""
        while not stop.is_set() and self.failure is None:
            self._beat = time.monotonic()
            self._observe_lag()
            if self._waits():
                self._liveness.moved()
            await self._liveness.look(self.app.handled())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LAG_REFRESH_S)

    async def _wire_interactions(self) -> None:
        redis = self._redis()
        partitions = RedisPartitions(redis, Keys(self._prefix), observe=_observe_redis)
        profiles = ProfileStore(partitions)
        signals = SignalStore(self._signal_partitions(redis), self._settings.partitions)
        conditions = Conditions(redis, self._prefix, CONDITIONS, observe=_observe_redis)
        epsilon = self._settings.trends_epsilon
        crowd = Crowd(signals, conditions, TrendNoise(epsilon) if epsilon is not None else None)
        self._stack.push_async_callback(crowd.stop)
        catalog = await self._catalog()
        await crowd.start()
        signals_out = self._new_publisher("sightline-interactions-signals")
        self._stack.push_async_callback(signals_out.close)
        await signals_out.warm_up([self._prefix + topics.SIGNALS.name])
        topic = self._prefix + topics.INTERACTIONS.name
        positions = Positions(partial(self.app.rewind, topic))
        agent = InteractionsAgent(
            profiles,
            crowd,
            catalog,
            self._publisher,
            signals_out,
            positions,
            self._signals,
            self._breaker(topics.INTERACTIONS),
            prefix=self._prefix,
            partitions=self._settings.partitions,
            list_length=self._settings.list_length,
            controls=self._controls(),
        )
        self.app.positions[topic] = agent.positions
        self.app.stores[topic] = partitions
        self._parts.append(agent)
        self._stack.push_async_callback(agent.stop)
        await agent.start()
        await self._watch_store(partitions, positions, agent.rolled_back)
        self._add(topics.INTERACTIONS, agent.handle, self._settings.batch_limit)

    async def _wire_uploads(self) -> None:
        conditions = Conditions(self._redis(), self._prefix, CONDITIONS, observe=_observe_redis)
        encoder = await self._encoder()
        catalog = await self._catalog(encoder.version)
        decoder = Decoder()
        self._stack.push_async_callback(decoder.close)
        await decoder.start()
        fetcher = Fetcher(self._settings.image_hosts.split(",") if self._settings.image_hosts else ())
        self._stack.push_async_callback(fetcher.close)
        agent = UploadsAgent(
            encoder,
            decoder.decode,
            Objects(self._settings.object_store),
            fetcher,
            catalog,
            self._publisher,
            self._signals,
            report_to(conditions, ENCODER),
            self._breaker(topics.UPLOADS),
            prefix=self._prefix,
            list_length=self._settings.list_length,
        )
        self._add(topics.UPLOADS, agent.handle, UPLOADS_AT_ONCE)

    async def _wire_items(self) -> None:
        partitions = self._signal_partitions(self._redis())
        store = SignalStore(partitions, self._settings.partitions)
        positions = self._positions(topics.SIGNALS, partitions)
        await self._watch_store(partitions, positions, lambda p, held: positions.refused({p: held}))
        signals = SignalsAgent(
            store,
            self._publisher,
            positions,
            self._breaker(topics.SIGNALS),
            prefix=self._prefix,
            min_users=self._settings.trends_min_users,
        )
        changes = ItemChangesAgent(self._publisher, self._signals, self._breaker(topics.ITEMS), prefix=self._prefix)
        privacy = PrivacyAgent(self._publisher, self._controls(), self._breaker(topics.PRIVACY), prefix=self._prefix)
        self._add(topics.SIGNALS, signals.handle, self._settings.batch_limit, pause_s=SIGNALS_PAUSE_S)
        self._add(topics.ITEMS, changes.handle, self._settings.batch_limit)
        self._add(topics.PRIVACY, privacy.handle, self._settings.batch_limit)

    def _controls(self) -> Controls:
        return Controls(*control_keys(self._settings.control_key))

    def _new_publisher(self, client_id: str) -> KafkaPublisher:
        self._publishers.append(KafkaPublisher(self._addresses.kafka, client_id=client_id, security=self._security))
        return self._publishers[-1]

    def _redis(self) -> Client:
        client = connect(self._addresses.redis, access=redis_access(self._settings))
        self._stack.push_async_callback(client.aclose)
        return client

    def _signal_partitions(self, redis: Client) -> RedisPartitions:
        return RedisPartitions(redis, Keys(f"{self._prefix}s"), observe=_observe_redis)

    def _positions(self, topic: topics.Topic, store: PartitionStore) -> Positions:
        name = self._prefix + topic.name
        positions = Positions(partial(self.app.rewind, name))

        async def resume(partitions: Sequence[int]) -> dict[int, int]:
            found = await store.positions(partitions)
            positions.loaded(found)
            return found

        self.app.positions[name] = resume
        self.app.stores[name] = store
        return positions

    async def _watch_store(self, store: PartitionStore, positions: Positions, rewind: Rewind) -> None:
        watch = RollbackWatch(store.positions, lambda: positions.known, rewind)
        self._parts.append(watch)
        self._stack.push_async_callback(watch.stop)
        await watch.start()

    def _breaker(self, topic: topics.Topic) -> Breaker:
        settings = self._settings
        limit = RefusalLimit(settings.refused_share, settings.refused_least, settings.refused_window_s)
        self._breakers.append(Breaker(topic.name, limit))
        return self._breakers[-1]

    def _add(self, topic: topics.Topic, handle: Handler, limit: int, *, pause_s: float = 0.0) -> None:
        add_agent(self.app, topic, handle, name=topic.name, prefix=self._prefix, limit=limit, pause_s=pause_s)

    async def _catalog(self, encoder: str | None = None) -> Catalog:
        settings, topic = self._settings, self._prefix + topics.CATALOG.name
        catalog = Catalog(settings.dimensions, encoder=encoder)
        minutes = settings.snapshot_minutes
        snapshots = Snapshots(settings.home / "catalog" / topic, minutes) if minutes else None
        kafka = self._addresses.kafka
        replica = CatalogReplica(kafka, topic, catalog, snapshots=snapshots, security=self._security)
        await replica.start()
        self._parts.append(replica)
        self._stack.push_async_callback(replica.stop)
        log.info("catalogue_ready", items=catalog.counts().searchable)
        return catalog

    async def _encoder(self) -> TritonEncoder:
        """The encoder, waited for: uploads keep in their topic until Triton is there."""
        settings = self._settings
        async for attempt in stamina.retry_context(on=EncoderUnavailable, attempts=None, timeout=None, wait_max=2.0):
            with attempt:
                encoder = await TritonEncoder.connect(
                    self._addresses.triton,
                    tls=triton_tls(settings),
                    model=settings.encoder,
                    dimensions=settings.dimensions,
                    timeout_s=settings.encode_timeout_s,
                    inflight=settings.encode_inflight,
                    observe=partial(_observe_inference, settings.encoder),
                )
        INFERENCE_INFLIGHT.set_function(lambda: encoder.inflight)
        BUILD.info({"version": version("sightline"), "encoder": encoder.version})
        self._stack.push_async_callback(encoder.close)
        return encoder

    def _observe_lag(self) -> None:
        lags = self.app.lags()
        CONSUMER_LAG.clear()
        for tp, lag in lags.items():
            CONSUMER_LAG.labels(tp.topic, str(tp.partition)).set(lag)

    def _live(self) -> list[str]:
        silent = time.monotonic() - self._beat
        if self._ready and silent > STUCK_S:
            return [f"the event loop has not run for {silent:.0f} s"]
        return self._liveness.problems()

    def _waits(self) -> bool:
        """Whether it waits for what no restart mends: a breaker to be closed, or a Kafka that takes no message."""
        is_open = any(breaker.reason is not None for breaker in self._breakers)
        return is_open or any(publisher.undelivered for publisher in self._publishers)

    def _lacks(self) -> list[str]:
        starting = [] if self._ready else ["starting: the catalogue is being read, or a service is awaited"]
        return starting + [breaker.reason for breaker in self._breakers if breaker.reason is not None]


def _observe_redis(op: str, seconds: float | None) -> None:
    if seconds is None:
        REDIS_ERRORS.labels(op).inc()
    else:
        REDIS.labels(op).observe(seconds)


def _observe_inference(model: str, outcome: str, seconds: float) -> None:
    INFERENCE.labels(model, outcome).observe(seconds)
