"""Looks at what Kafka and Redis promise: once at the start of a worker, then every few seconds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from state.errors import StateUnavailable
from state.redis import Client, Observer
from state.redis_facts import read_redis_facts
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable, PromiseBroken
from streams.kafka.admin_client import AdminThread
from streams.kafka.topic_facts import read_topic_facts
from streams.logs import log
from streams.metrics import BROKEN_PROMISES
from streams.processing.background import Periodic
from streams.retrying import until_available
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.promises import KINDS, Broken, broken_by_redis, broken_by_topics, recreated

#: What an operator changes is noticed within two of these, also when one look finds no broker.
LOOK_EVERY_S = 4.0

#: Returns the broken promises of a service; raises BrokerUnavailable or StateUnavailable.
Reader = Callable[[], Awaitable[Sequence[Broken]]]


class TopicPromises:
    """Reads the topics of an app, and remembers which topics they were at first; `close` it."""

    def __init__(
        self, bootstrap: str, namespace: Namespace, partitions: int, *, security: KafkaSecurity = PLAINTEXT
    ) -> None:
        self._admin = AdminThread(bootstrap, "promises", security=security)
        self._namespace = namespace
        self._partitions = partitions
        self._username = security.username if security.sasl else None
        self._ids: dict[str, str] = {}

    async def read(self) -> list[Broken]:
        """See Reader."""
        names = [self._namespace.topic(topic) for topic in topics.ALL]
        found = await self._admin.call(partial(read_topic_facts, names=names))
        ids = {name: facts.topic_id for name, facts in found.items()}
        self._ids = ids | self._ids
        return [
            *broken_by_topics(found, self._namespace, self._partitions, username=self._username),
            *recreated(self._ids, ids, self._namespace),
        ]

    async def close(self) -> None:
        """Disconnect."""
        await self._admin.close()


async def read_redis(client: Client, address: str, *, observe: Observer) -> list[Broken]:
    """See Reader."""
    return broken_by_redis(await read_redis_facts(client, address, observe=observe))


class PromiseWatch(Periodic):
    """Holds what is broken now, for `/readyz` and the metric, and logs each change once.

    While a service does not answer, what it said last counts: others report that it is away.
    """

    def __init__(self, readers: Mapping[str, Reader], *, every_s: float = LOOK_EVERY_S) -> None:
        super().__init__(every_s, name="promise-watch")
        self._readers = readers
        self._found: dict[str, Sequence[Broken]] = {}
        self._known: set[Broken] = set()

    @property
    def dangers(self) -> list[str]:
        """The dangerous ones, a line each; may be called from any thread."""
        return sorted(str(each) for each in self._known if each.dangerous)

    async def start(self) -> None:
        """Look once, then every few seconds; raises PromiseBroken where a service promises too little.

        It waits for Kafka, and leaves a Redis that does not answer to the next look.
        """
        await until_available(self.look_at_all, BrokerUnavailable)
        if self.dangers:
            raise PromiseBroken("this worker cannot start:\n" + "\n".join(self.dangers))
        await super().start()

    async def look_at_all(self) -> None:
        """Look once; raises BrokerUnavailable once the other services were looked at."""
        unavailable: BrokerUnavailable | None = None
        for service, read in self._readers.items():
            try:
                self._found[service] = await read()
            except StateUnavailable as error:
                log.warning("promises_unknown", service=service, error=str(error))
            except BrokerUnavailable as error:
                unavailable = error
        self._report({each for found in self._found.values() for each in found})
        if unavailable is not None:
            raise unavailable

    def _report(self, found: set[Broken]) -> None:
        for each in sorted(found - self._known, key=str):
            tell = log.error if each.dangerous else log.warning
            tell("promise_broken", subject=each.subject, kind=each.kind, problem=str(each))
        for each in sorted(self._known - found, key=str):
            log.info("promise_kept_again", subject=each.subject, kind=each.kind)
        self._known = found
        for kind in KINDS:
            for severity, dangerous in (("danger", True), ("unwise", False)):
                count = sum(each.kind == kind and each.dangerous == dangerous for each in found)
                BROKEN_PROMISES.labels(kind, severity).set(count)

    async def look(self) -> None:
        """Look once; a Kafka that does not answer is logged."""
        try:
            await self.look_at_all()
        except BrokerUnavailable as error:
            log.warning("promises_unknown", service="kafka", error=str(error))
