"""A TCP proxy that slows, stalls and cuts what goes through it, in a thread of its own."""

import asyncio
import ssl
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

_CHUNK = 64 * 1024
#: Chunks under way in one direction: a slow network is no memory.
_UNDER_WAY = 256
_START_S = 10.0


class Proxy:
    """Listens on a free port of localhost and passes everything on to `host:port`, both ways.

    `delay_s` holds each chunk of an answer back for so long; `cut` ends all connections and takes no new one until
    `heal`. With `tls` its clients speak TLS, and the service beyond it does not. A context manager: the thread ends
    with it.
    """

    def __init__(self, host: str, port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        """`port` may be set later, before the first connection."""
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
        """End all connections and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_S)

    def heal(self) -> None:
        """Let connections through, on the same port as before."""
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
        # An end of the proxy ends its connections by cancelling them; asyncio would report that.
        with suppress(OSError, asyncio.CancelledError):
            try:
                far_reader, far_writer = await asyncio.open_connection(self._host, self.target)
                try:
                    await _either(_pass_on(reader, far_writer), self._hold_back(far_reader, writer))
                finally:
                    far_writer.transport.abort()
            finally:
                writer.transport.abort()
                self._connections.discard(task)

    async def _hold_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass chunks on `delay_s` after they came: what is under way meanwhile is delayed as much, not more."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
        await _either(self._receive(reader, queue), _send(queue, writer))

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


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _either(*directions: Coroutine[Any, Any, None]) -> None:
    """Run both until one ends: a connection of which one half is closed is of no use to our clients."""
    tasks = [asyncio.ensure_future(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
