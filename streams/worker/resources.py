"""Creates the resources of a worker's agents: clients, stores and watches, all closed with the process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TypeVar

import stamina

from features.vision.descriptors.mix import LOOK, Mix
from features.vision.gate.table import ModelFault
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.catalog.index import NullIndex
from inference.encoders.triton import TritonEncoder
from inference.errors import EncoderMismatch, EncoderUnavailable
from inference.gate.scores import MODELS as GATE_MODELS
from inference.gate.scores import TritonScores
from inference.words.encoder import TritonWords
from state.degradations import Degradations
from state.errors import StateUnavailable
from state.migration import refuse_old_keys
from state.partitions import PartitionStore
from state.redis import Client, RedisPartitions, connect
from state.vector_sets import VectorSets
from streams.catalog.index_client import IndexClient
from streams.catalog.index_expiry import IndexExpiry
from streams.catalog.index_writer import IndexAgent
from streams.catalog.replica import CatalogReplica
from streams.catalog.snapshots import Snapshots
from streams.credentials import kafka_security, redis_access, triton_tls
from streams.errors import BrokerUnavailable
from streams.kafka.admin import read_log
from streams.kafka.faust_app import App, Handler, add_agent, add_overlapping_agent
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.learning.model_log import ModelLog
from streams.logs import log
from streams.metrics import BUILD, INFERENCE, INFERENCE_INFLIGHT, REDIS, REDIS_ERRORS
from streams.pictures.store import PictureStore
from streams.pictures.sweeper import PictureSweeper
from streams.privacy.control_records import ControlRecords, control_keys
from streams.processing.background import Part
from streams.processing.breaker import Breaker, RefusalLimit
from streams.processing.dead_letter_publisher import DeadLetterPublisher
from streams.processing.degradations import ALL as DEGRADATIONS
from streams.processing.positions import Positions, Rewind
from streams.processing.rollback_watch import RollbackWatch
from streams.retrying import until_available
from streams.settings import Settings
from streams.steps.replica import StepsReplica
from streams.uploads.picture_keeper import PictureKeeper
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.signals import SignalTopic, linking_of
from streams.wire.steps import StepTopic
from streams.worker.promise_watch import PromiseWatch, TopicPromises, read_redis

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of the services: Kafka as host:port, Redis as a URL, Triton's gRPC as host:port."""

    kafka: str
    redis: str
    triton: str


class Resources:
    """Creates the parts that the agents of one process need; `stack` closes them."""

    def __init__(self, settings: Settings, addresses: Addresses, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.namespace = Namespace(settings.topic_prefix)
        self.signals = SignalTopic(self.namespace, settings.partitions, linking_of(settings))
        self.steps = StepTopic(self.namespace, choices=settings.recent_steps > 0)
        self.control_records = ControlRecords(*control_keys(settings.control_key))
        self.stack = stack
        self._addresses = addresses
        self._security = kafka_security(settings)
        #: Counts steps of work that are long, and part of one batch: that they end is progress.
        self.worked = 0
        self._watched: list[Part] = []
        self._publishers: list[tuple[KafkaPublisher, DeadLetterPublisher]] = []
        self._breakers: list[Breaker] = []
        self._promises: PromiseWatch | None = None

    @property
    def failure(self) -> BaseException | None:
        """The exception of a watched part that stopped by itself; None while all run."""
        return next((part.failure for part in self._watched if part.failure is not None), None)

    @property
    def undelivered(self) -> bool:
        """Whether a message waits for delivery to Kafka."""
        return any(kafka.undelivered or publisher.waits for kafka, publisher in self._publishers)

    @property
    def refused_topics(self) -> list[str]:
        """Why messages wait for an operator, one reason for each topic that Kafka refuses."""
        return [problem for _, publisher in self._publishers for problem in publisher.problems]

    @property
    def open_breakers(self) -> list[str]:
        """The reasons of the open breakers."""
        return [breaker.reason for breaker in self._breakers if breaker.reason is not None]

    @property
    def dangers(self) -> list[str]:
        """What Kafka or Redis do not promise, and this worker needs."""
        return [] if self._promises is None else self._promises.dangers

    async def watch_promises(self) -> None:
        """Compare what Kafka and Redis promise with what we need, now and as long as the process runs.

        Raises PromiseBroken.
        """
        kafka = TopicPromises(self._addresses.kafka, self.namespace, self.settings.partitions, security=self._security)
        self.stack.push_async_callback(kafka.close)
        redis = partial(read_redis, self.redis(), self._addresses.redis, observe=_observe_redis)
        self._promises = PromiseWatch({"kafka": kafka.read, "redis": redis})
        self.watch(self._promises, self._promises.stop)
        await self._promises.start()

    async def publisher(self, client_id: str, *needed: topics.Topic) -> DeadLetterPublisher:
        """Return a publisher once the `needed` topics of its agents exist and their leaders are known.

        A topic that nobody waits for may be missing: what is meant for it becomes a dead letter.
        """
        kafka = KafkaPublisher(self._addresses.kafka, client_id=client_id, security=self._security)
        publisher = DeadLetterPublisher(kafka, namespace=self.namespace)
        self._publishers.append((kafka, publisher))
        self._watched.append(kafka)
        self.stack.push_async_callback(kafka.close)
        names = [self.namespace.topic(topic) for topic in needed]
        await kafka.warm_up([name for name in names if name not in publisher.never_awaited])
        for name in publisher.never_awaited.intersection(names):
            try:
                await kafka.warm_up([name])
            except BrokerUnavailable as error:
                log.error("topic_missing", topic=name, error=str(error))
        return publisher

    async def kafka_publisher(self, client_id: str, *needed: topics.Topic) -> KafkaPublisher:
        """Return a publisher that says what Kafka refuses to who publishes, once its topics exist."""
        kafka = KafkaPublisher(self._addresses.kafka, client_id=client_id, security=self._security)
        self.watch(kafka, kafka.close)
        await kafka.warm_up([self.namespace.topic(topic) for topic in needed])
        return kafka

    def model_log(self) -> ModelLog:
        """Return the log of the versions of the ranker that learns."""
        reader = KafkaLogReader(self._addresses.kafka, security=self._security)
        models = ModelLog(reader, self.namespace.topic(topics.MODELS), close=reader.close)
        self.stack.push_async_callback(models.close)
        return models

    def redis(self) -> Client:
        """Return a Redis client."""
        client = self._connect()
        self.stack.push_async_callback(client.aclose)
        return client

    async def refuse_old_keys(self) -> None:
        """Raise OldKeys if the state lies under the key names of a version before; wait for Redis."""
        settings = self.settings
        async with aclosing(self._connect()) as client:
            await until_available(
                lambda: refuse_old_keys(client, settings.topic_prefix, settings.partitions), StateUnavailable
            )

    def _connect(self) -> Client:
        return connect(self._addresses.redis, access=redis_access(self.settings))

    def profile_partitions(self, redis: Client) -> RedisPartitions:
        """Return the store of user profiles."""
        return RedisPartitions(redis, self.namespace.profile_keys, observe=_observe_redis)

    def signal_partitions(self, redis: Client) -> RedisPartitions:
        """Return the store of item behaviours and trends."""
        return RedisPartitions(redis, self.namespace.item_keys, observe=_observe_redis)

    def degradations(self, redis: Client) -> Degradations:
        """Return the store of current degradations."""
        return Degradations(redis, self.namespace.prefix, DEGRADATIONS, observe=_observe_redis)

    def positions(self, app: App, topic: topics.Topic, store: PartitionStore) -> Positions:
        """Return the positions of a topic; newly assigned partitions resume from them."""
        name = self.namespace.topic(topic)
        positions = Positions(partial(app.rewind, name))

        async def resume(partitions: Sequence[int]) -> dict[int, int]:
            stored = await store.positions(partitions)
            positions.loaded(stored)
            return stored

        app.positions[name] = resume
        app.stores[name] = store
        return positions

    def watch(self, part: Part, stop: Callable[[], Awaitable[None]]) -> None:
        """End the process if this part fails, and stop the part when the process ends."""
        self._watched.append(part)
        self.stack.push_async_callback(stop)

    async def watch_store(self, store: PartitionStore, positions: Positions, rewind: Rewind) -> None:
        """Watch a store and resume partitions for which it lost writes."""
        watch = RollbackWatch(store.positions, lambda: positions.known, rewind)
        self.watch(watch, watch.stop)
        await watch.start()

    def breaker(self, topic: topics.Topic) -> Breaker:
        """Return the breaker that stops the topic's agent when too many messages are refused."""
        settings = self.settings
        limit = RefusalLimit(settings.refused_share, settings.refused_least, settings.refused_window_s)
        self._breakers.append(Breaker(topic.name, limit))
        return self._breakers[-1]

    def add_agent(self, app: App, topic: topics.Topic, handle: Handler, limit: int, *, pause_s: float = 0.0) -> None:
        """Handle a topic with an agent (`streams.kafka.faust_app.add_agent`)."""
        add_agent(app, topic, handle, name=topic.name, namespace=self.namespace, limit=limit, pause_s=pause_s)

    def add_overlapping_agent(
        self,
        app: App,
        topic: topics.Topic,
        work: Callable[[Sequence[Record]], Awaitable[T]],
        settle: Callable[[T], Awaitable[None]],
        finish: Callable[[T], Awaitable[None]],
        limit: int,
        at_once: int,
    ) -> None:
        """Handle a topic with overlapping batches (`streams.kafka.faust_app.add_overlapping_agent`)."""
        add_overlapping_agent(
            app, topic, work, settle, finish, name=topic.name, namespace=self.namespace, limit=limit, at_once=at_once
        )

    def vector_sets(self) -> VectorSets | None:
        """Return the index that workers share; None if each worker has its own."""
        settings = self.settings
        if settings.index == "memory":
            return None
        return VectorSets(self.redis(), self.namespace.prefix, settings.index_shards, observe=_observe_redis)

    async def index_client(self, catalog: Catalog) -> IndexClient | None:
        """Return the client that queries the shared index for a catalogue; None if the catalogue has its own index."""
        sets = self.vector_sets()
        if sets is None:
            return None
        index_client = IndexClient(sets, catalog)
        self.watch(index_client, index_client.stop)
        await index_client.start()
        return index_client

    async def index_agent(self, app: App, sets: VectorSets) -> IndexAgent:
        """Return the agent that writes the shared index."""
        topic = self.namespace.topic(topics.CATALOG)
        positions = Positions(partial(app.rewind, topic))
        read = partial(asyncio.to_thread, partial(read_log, self._addresses.kafka, topic, security=self._security))
        agent = IndexAgent(sets, positions, read)
        app.positions[topic] = agent.take_up
        watch = RollbackWatch(agent.positions, lambda: positions.known, lambda p, held: positions.refused({p: held}))
        self.watch(watch, watch.stop)
        await watch.start()
        expiry = IndexExpiry(sets)
        self.watch(expiry, expiry.stop)
        await expiry.start()
        return agent

    async def catalog(self, encoder: str | None = None, mix: Mix = LOOK, *, words: bool = False) -> Catalog:
        """Return the catalogue, which compares items by this mix and holds their words, once its replica caught up."""
        settings, topic = self.settings, self.namespace.topic(topics.CATALOG)
        index = None if settings.index == "memory" else NullIndex()
        catalog = Catalog(settings.dimensions, index, encoder=encoder, mix=mix, words=words)
        # Without its own index, reading the catalogue from the topic is faster than loading a snapshot.
        minutes = settings.snapshot_minutes if index is None else 0
        holds = ("" if mix == LOOK else f"+{mix}") + ("+words" if words else "")
        folder = settings.home / "catalog" / f"{topic}{holds}"
        snapshots = Snapshots(folder, minutes) if minutes else None
        kafka = self._addresses.kafka
        replica = CatalogReplica(kafka, topic, catalog, snapshots=snapshots, security=self._security)
        await replica.start()
        self.watch(replica, replica.stop)
        log.info("catalogue_ready", items=catalog.counts().searchable)
        return catalog

    async def recent_steps(self) -> RecentSteps | None:
        """Return the last steps of all users, once they are read as far as they can be; None if they are turned off."""
        limit, topic = self.settings.recent_steps, self.namespace.topic(topics.STEPS)
        if not limit:
            return None
        replica = StepsReplica(self._addresses.kafka, topic, limit, security=self._security)
        self.watch(replica, replica.stop)
        await replica.start()
        return replica.ring

    async def picture_keeper(self, app: App) -> PictureKeeper | None:
        """Return what writes the pictures of items into their store; None where none are kept.

        The one worker that has the first partition of the uploads also removes what no item names.
        """
        settings, uploads = self.settings, self.namespace.topic(topics.UPLOADS)
        if settings.keep == "none":
            return None
        store = PictureStore(settings.picture_store, self.namespace)
        sweeper = PictureSweeper(
            store,
            partial(KafkaLogReader, self._addresses.kafka, security=self._security),
            namespace=self.namespace,
            partitions=settings.partitions,
            is_active=lambda: app.has_first(uploads),
        )
        self.watch(sweeper, sweeper.stop)
        await sweeper.start()
        keeper = PictureKeeper(store, settings.keep)
        self.stack.push_async_callback(keeper.close)
        return keeper

    async def encoder(self) -> TritonEncoder:
        """Return the encoder; wait until Triton is available. Uploads stay in their topic meanwhile."""
        settings = self.settings
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
        if settings.encoder_version not in (None, encoder.version):
            await encoder.close()
            raise EncoderMismatch(
                f"SIGHTLINE_ENCODER_VERSION is {settings.encoder_version}, but model {settings.encoder!r} is "
                f"{encoder.version}: set SIGHTLINE_ENCODER to its model, or SIGHTLINE_ENCODER_VERSION to this version"
            )
        INFERENCE_INFLIGHT.set_function(lambda: encoder.inflight)
        BUILD.info({"version": version("sightline"), "encoder": encoder.version})
        self.stack.push_async_callback(encoder.close)
        return encoder

    def words(self) -> TritonWords | None:
        """Return what embeds words; None where they are turned off. Nothing waits for it here."""
        settings = self.settings
        if settings.words == "off":
            return None
        words = TritonWords(self._addresses.triton, tls=triton_tls(settings), timeout_s=settings.encode_timeout_s)
        self.stack.push_async_callback(words.close)
        return words

    def gate_scores(self, fault: ModelFault) -> TritonScores:
        """Return what asks the model of a fault. Nothing waits for it here."""
        settings = self.settings
        scores = TritonScores(
            self._addresses.triton,
            fault,
            tls=triton_tls(settings),
            timeout_s=settings.encode_timeout_s,
            observe=partial(_observe_inference, GATE_MODELS[fault]),
        )
        self.stack.push_async_callback(scores.close)
        return scores


def _observe_redis(op: str, seconds: float | None) -> None:
    if seconds is None:
        REDIS_ERRORS.labels(op).inc()
    else:
        REDIS.labels(op).observe(seconds)


def _observe_inference(model: str, outcome: str, seconds: float) -> None:
    INFERENCE.labels(model, outcome).observe(seconds)
