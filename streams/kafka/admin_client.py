"""The client for administration: kafka-python's, on a connection that is kept between calls (docs/adr/0013)."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from sightline_client.connection import connecting, knock
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable

T = TypeVar("T")

TIMEOUT_S: Final = 5.0


class AdminClient(KafkaAdminClient):  # type: ignore[misc]  # untyped
    """kafka-python's client, which ends its thread also when it cannot connect."""

    def __init__(self, bootstrap: str, security: KafkaSecurity, *, request_timeout_s: float = 30.0) -> None:
        # Reads files, and may fail before there is anything to close.
        options = security.python_options()
        try:
            super().__init__(
                bootstrap_servers=bootstrap,
                bootstrap_timeout_ms=round(1000 * TIMEOUT_S),
                request_timeout_ms=round(1000 * request_timeout_s),
                **options,
            )
        except BaseException:
            if hasattr(self, "_net"):  # its thread runs
                # Its own close() takes a client without this mark for one that never started anything.
                self._closed = False
                self.close()
            raise


@contextmanager
def connected_admin(bootstrap: str, security: KafkaSecurity = PLAINTEXT) -> Iterator[Any]:
    """A client for the requests made in this context; raises BrokerUnavailable, or AccessRefused."""
    with connecting(bootstrap, security), closing(AdminClient(bootstrap, security)) as admin:
        yield admin


class AdminConnection:
    """A client that is made at the first request, and again after a request that failed. One thread may use it."""

    def __init__(self, bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._client: AdminClient | None = None

    def call(self, request: Callable[[Any], T]) -> T:
        """Return `request(client)`; raises BrokerUnavailable after about TIMEOUT_S, or when Kafka refuses it."""
        try:
            if self._client is None:
                knock(self._bootstrap)
                self._client = AdminClient(self._bootstrap, self._security, request_timeout_s=TIMEOUT_S)
            return request(self._client)
        except (OSError, KafkaError) as error:
            # A new client knows no address and no leader from before a restart.
            self.close()
            raise BrokerUnavailable.no_answer(self._bootstrap, error) from error

    def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


class AdminThread:
    """An AdminConnection on a thread of its own, so that a slow broker does not hold up the event loop; `close` it."""

    def __init__(self, bootstrap: str, name: str, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._connection = AdminConnection(bootstrap, security=security)
        # kafka-python's clients are not thread-safe: one thread makes, uses and closes this one.
        self._thread = ThreadPoolExecutor(1, name)

    async def call(self, request: Callable[[Any], T]) -> T:
        """Return `request(client)`; raises BrokerUnavailable after TIMEOUT_S."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await loop.run_in_executor(self._thread, self._connection.call, request)
        except TimeoutError as error:
            raise BrokerUnavailable.no_answer(self._bootstrap, error) from error

    async def close(self) -> None:
        """Disconnect, once a request under way has ended."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)
