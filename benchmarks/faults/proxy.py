"""A TCP proxy that can delay responses and cut connections; it runs in its own thread."""

import asyncio
import ssl
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

_CHUNK = 64 * 1024
#: Chunks delayed at the same time in one direction; more would fill the memory.
_IN_FLIGHT = 256
_START_S = 10.0


class Proxy:
    """Listens on a free port of localhost and forwards to `host:port` in both directions.

    `delay_s` delays each chunk of a response; `cut` closes all connections and refuses new ones until `heal`. With
    `tls` the clients speak TLS and the service does not. A context manager, which ends the thread on leaving.
    """

    def __init__(self, host: str, port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        """`port` is the port of the service; `target` may be set later, before the first connection."""
        self._tls = tls
        self._host = host
        self.target = port
        self.delay_s = 0.0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.heal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)
        self._loop.close()

    def cut(self) -> None:
        """Close all connections and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_S)

    def heal(self) -> None:
        """Accept connections again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_START_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        # `cut` cancels the connections, which asyncio would report as errors.
        with suppress(OSError, asyncio.CancelledError):
            try:
                far_reader, far_writer = await asyncio.open_connection(self._host, self.target)
                try:
                    await _run_until_one_ends(_forward(reader, far_writer), self._delay(far_reader, writer))
                finally:
                    far_writer.transport.abort()
            finally:
                writer.transport.abort()
                self._connections.discard(task)

    async def _delay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward each chunk `delay_s` after it came; the delays of consecutive chunks overlap."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_IN_FLIGHT)
        await _run_until_one_ends(self._receive(reader, queue), _send(queue, writer))

    async def _receive(self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        while chunk := await reader.read(_CHUNK):
            await queue.put((time.monotonic() + self.delay_s, chunk))
        await queue.put((0.0, b""))
        await asyncio.Event().wait()


async def _send(queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    while True:
        due, chunk = await queue.get()
        if not chunk:
            return
        await asyncio.sleep(due - time.monotonic())
        writer.write(chunk)
        await writer.drain()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _run_until_one_ends(*directions: Coroutine[Any, Any, None]) -> None:
    """Run both directions until one ends; our clients have no use for a half-closed connection."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
