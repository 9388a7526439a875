"""A Faust app that resumes from our positions, and the agents that read its topics."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import faust
from faust.tables import TableManager
from faust.types import TP, EventT
from mode import Seconds, ServiceT

from state.errors import StateUnavailable
from state.partitions import PartitionStore
from streams.credentials import KafkaSecurity, kafka_security
from streams.errors import BrokerUnavailable, LogMismatch
from streams.kafka import transport
from streams.kafka.admin import read_log
from streams.kafka.continuity import Log, check_count, check_log
from streams.kafka.micro_batches import acknowledge, overlap, to_records, waiting
from streams.logs import log
from streams.metrics import LAST_PROGRESS
from streams.retrying import until_available
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.records import Record, events_of
from streams.wire.topics import Topic

T = TypeVar("T")
Handler = Callable[[Sequence[Record]], Awaitable[None]]
PositionsReader = Callable[[Sequence[int]], Awaitable[dict[int, int]]]
LogReader = Callable[[str], Awaitable[Log]]


#: Records that wait in memory for an agent: at most four batches; few pictures, since each has up to 2 MiB.
EVENTS_BUFFERED = 1024
PICTURES_BUFFERED = 64
#: Bytes of a partition that are fetched ahead.
FETCH_BYTES = 1 << 20
#: How often a worker checks the topics of which it has no partition.
LOOK_EVERY_S = 20.0


class NoTables(TableManager):
    """Faust's manager of tables, which else lets a second pass at each start, in which tables may be declared."""

    async def sleep(self, n: Seconds) -> None:
        """Nothing: there are none, and a worker that starts has partitions to take up."""


class App(faust.App):
    """A Faust app whose partitions resume from positions kept with the state."""

    def __init__(self, *args: Any, read_log: LogReader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_log = read_log
        #: By topic name on the broker: reads the positions of the topic's partitions.
        self.positions: dict[str, PositionsReader] = {}
        #: By topic name on the broker: the store of the partitions' state, which is compared with the topic.
        self.stores: dict[str, PartitionStore] = {}
        #: Set when an agent ended by an unexpected error; the process must end, too.
        self.failure: BaseException | None = None
        #: Set once the group has assigned partitions to this worker, even if none.
        self.assigned = asyncio.Event()
        self.on_rebalance_complete.connect(self._on_assigned)
        #: The last handled offset of each partition.
        self.done: dict[TP, int] = {}

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """As Faust's, without its monitor, which is called for every message; our metrics are in `streams.metrics`."""
        dependencies = list(super().on_init_dependencies())
        self.sensors.remove(self.monitor)
        return dependencies

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        self.assigned.set()

    def has_first(self, topic: str) -> bool:
        """Whether this worker has the first partition of a topic: it does what one of several is to do."""
        return self.assigned.is_set() and TP(topic, 0) in self.consumer.assignment()

    async def read_positions(self, partitions: set[TP]) -> dict[TP, int]:
        """The stored positions of these partitions, where their topic has positions; raises LogMismatch."""
        found: dict[TP, int] = {}
        for topic, read in self.positions.items():
            of_topic = {tp.partition: tp for tp in partitions if tp.topic == topic}
            await self.check_log(topic, of_topic)
            positions = await read(sorted(of_topic))
            found.update({of_topic[partition]: position for partition, position in positions.items()})
        # After a crash Kafka's committed offsets are older. Without this, a topic without new events would show a lag.
        self.done.update(found)
        return found

    async def check_log(self, topic: str, partitions: Collection[int]) -> None:
        """Return if the topic continues the state of these partitions; raises LogMismatch, and the process must end."""
        if topic not in self.stores or not partitions:
            return
        found = await until_available(lambda: self._read_log(topic), BrokerUnavailable)
        await self._check(found, partitions)

    async def check_counts(self) -> None:
        """Return if the topics have as many partitions as when the state was made from them; raises LogMismatch."""
        for topic, store in self.stores.items():
            found = await until_available(partial(self._read_log, topic), BrokerUnavailable)
            await until_available(partial(check_count, found, store), StateUnavailable)

    async def look_for_topics(self) -> None:
        """Check the topics of which this worker has no partition: a group does not rejoin a topic created again."""
        held = {tp.topic for tp in self.consumer.assignment()}
        for topic in self.stores.keys() - held:
            try:
                found = await self._read_log(topic)
                await self._check(found, found.extents)
            except (BrokerUnavailable, StateUnavailable) as error:
                log.warning("topic_unknown", topic=topic, error=str(error))

    async def _check(self, found: Log, partitions: Collection[int]) -> None:
        topic = found.topic
        try:
            await check_log(found, self.stores[topic], partitions)
        except LogMismatch as error:
            self.failure = error
            raise

    def lags(self) -> dict[TP, int]:
        """The number of unhandled records of each assigned partition whose end is known."""
        consumer = cast(transport.Consumer, self.consumer)
        ends = {tp: consumer.highwater(tp) for tp in consumer.assignment()}
        handled = self.handled()
        return {tp: max(end - handled[tp] - 1, 0) for tp, end in ends.items() if end is not None}

    def held_back(self) -> dict[TP, int]:
        """The assigned partitions that an open transaction holds back, and the offset where it begins."""
        consumer = cast(transport.Consumer, self.consumer)
        found = {tp: consumer.held_back_at(tp) for tp in consumer.assignment()}
        return {tp: offset for tp, offset in found.items() if offset is not None}

    def records(self, batch: Sequence[EventT[bytes]]) -> list[Record]:
        """The records of a batch. Only agents with stored positions get those that hold no event."""
        records = to_records(batch)
        return records if records[0].topic in self.positions else events_of(records)

    def handled(self) -> dict[TP, int]:
        """The last handled offset of each assigned partition; -1 where there is none."""
        consumer = cast(transport.Consumer, self.consumer)
        # Another worker may have handled the partition in between; Kafka knows how far.
        return {tp: max(self.done.get(tp, -1), consumer.committed(tp)) for tp in consumer.assignment()}

    async def rewind(self, topic: str, partition: int, position: int) -> None:
        """Fetch a partition again from the record after `position`, if it is still assigned; raises LogMismatch."""
        tp = TP(topic, partition)
        if tp in self.consumer.assignment():
            # The caller asks only once, so a failed rewind would never be repeated.
            await until_available(lambda: self.check_log(topic, [partition]), StateUnavailable)
            await cast(transport.Consumer, self.consumer).rewind(tp, position)


def make_app(name: str, settings: Settings, kafka: str) -> App:
    """A Faust app without tables, web server and topic creation, in the consumer group of its kind of worker."""
    security = kafka_security(settings)
    app = App(
        Namespace(settings.topic_prefix).group(name),
        read_log=partial(asyncio.to_thread, partial(read_log, kafka, security=security)),
        broker=f"{transport.SCHEME}://{kafka}",
        broker_credentials=_credentials(security),
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        TableManager=NoTables,
        datadir=settings.home / "faust",
        broker_session_timeout=10.0,
        # A worker learns of a rebalance by its next heartbeat; until then nobody reads the partitions of one that left.
        broker_heartbeat_interval=1.0,
        broker_request_timeout=30.0,
        # A worker that waits an hour for Redis stays in its group.
        broker_max_poll_interval=86_400.0,
        producer_request_timeout=30.0,
        stream_wait_empty=False,
        stream_buffer_maxsize=PICTURES_BUFFERED if name == "uploads" else EVENTS_BUFFERED,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_auto_offset_reset="earliest",
    )
    app.timer(LOOK_EVERY_S)(app.look_for_topics)
    return app


def _credentials(security: KafkaSecurity) -> faust.auth.Credentials | None:
    """The credentials in Faust's form."""
    context = security.tls_context()
    if security.sasl:
        return faust.SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)


def add_agent(
    app: App, topic: Topic, handle: Handler, *, name: str, namespace: Namespace, limit: int, pause_s: float = 0.0
) -> None:
    """Call `handle` with the records that wait in a topic, at most `limit` at once, one batch after the other.

    The agent pauses for `pause_s` after each batch: larger batches cost less in total where nobody waits for them.

    An exception that leaves the handler is a bug, or a refusal that the agent cannot repair. Faust would acknowledge
    the batch and continue, so the agent stops instead, and the process with it. The next start replays the batch.
    """

    async def run(stream: Any) -> None:
        try:
            async for batch in waiting(stream, limit):
                if records := app.records(batch):
                    await handle(records)
                _handled(app, name, batch)
                if pause_s:
                    await asyncio.sleep(pause_s)
        except Exception as error:  # noqa: BLE001 (after any error the batch must not be acknowledged)
            _fail(app, name, error)

    _read(app, namespace.topic(topic), name, run)


def add_overlapping_agent(
    app: App,
    topic: Topic,
    work: Callable[[Sequence[Record]], Awaitable[T]],
    settle: Callable[[T], Awaitable[None]],
    finish: Callable[[T], Awaitable[None]],
    *,
    name: str,
    namespace: Namespace,
    limit: int,
    at_once: int,
) -> None:
    """As `add_agent`, but `work` runs on several batches at the same time, with `at_once` records in total.

    `settle` gets each result in the topic's order. Then `finish` gets it, which no later `settle` waits for, and the
    batch is acknowledged: also in order, since Faust's committed offset would pass a batch that is not (issue 606).
    """

    async def work_on(batch: Sequence[EventT[bytes]]) -> T:
        return await work(app.records(batch))

    async def finish_it(batch: Sequence[EventT[bytes]], result: T) -> None:
        await finish(result)
        _handled(app, name, batch)

    async def run(stream: Any) -> None:
        try:
            await overlap(waiting(stream, limit), work_on, settle, finish_it, at_once=at_once)
        except ExceptionGroup as errors:
            _fail(app, name, errors.exceptions[0])

    _read(app, namespace.topic(topic), name, run)


def _read(app: App, topic: str, name: str, run: Callable[[Any], Awaitable[None]]) -> None:
    channel = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(channel, name=name, concurrency=1)(run)


def _fail(app: App, name: str, error: Exception) -> None:
    """End the process: its last line names the error."""
    error.add_note(f"in the agent of {name}")
    app.failure = app.failure or error


def _handled(app: App, name: str, batch: Sequence[EventT[bytes]]) -> None:
    acknowledge(batch)
    app.done.update({event.message.tp: event.message.offset for event in batch})
    LAST_PROGRESS.labels(name).set_to_current_time()
