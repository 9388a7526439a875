"""A small HTTP/1.1 client for load: keep-alive connections and streams of events, on one clock.

It costs a tenth of what a full client costs, which shares the processor with what is measured.
"""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

_OK = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; the body is JSON."""

    method: str
    path: str
    body: bytes = b""

    def encode(self, host: str) -> bytes:
        """The request as it stands on the wire."""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: {host}\r\n"
        if self.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body


class Connection:
    """One connection, which sends one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def send(self, request: Request) -> int:
        """The status of the answer, whose body is read to its end."""
        self._writer.write(request.encode(f"{self._host}:{self._port}"))
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                await self._reader.readexactly(int(value))
        return int(lines[0].split(b" ", 2)[1])

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()


@dataclass(frozen=True, slots=True)
class Answered:
    """When requests were due (perf_counter) [requests], and milliseconds until the answer, NaN for none by 2xx."""

    due: NDArray[np.float64]
    delays_ms: NDArray[np.float64]


async def send_all(
    host: str, port: int, requests: Sequence[Request], rate: float, *, connections: int = 32
) -> Answered:
    """Send `rate` requests a second, whether or not others were answered."""
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    opened = [await Connection(host, port).open() for _ in range(connections)]
    for connection in opened:
        idle.put_nowait(connection)
    due = time.perf_counter() + 0.05 + np.arange(len(requests)) / rate
    delays = np.full(len(requests), np.nan)

    async def send(number: int, request: Request) -> None:
        await asyncio.sleep(max(due[number] - time.perf_counter(), 0))
        connection = await idle.get()
        status = await connection.send(request)
        idle.put_nowait(connection)
        if status // 100 == _OK // 100:
            delays[number] = 1000 * (time.perf_counter() - due[number])

    await asyncio.gather(*(send(number, request) for number, request in enumerate(requests)))
    for connection in opened:
        connection.close()
    return Answered(due, delays)


def send_from_another_process(host: str, port: int, requests: Sequence[Request], rate: float) -> NDArray[np.float64]:
    """The delays of `send_all` in a process of its own: other load in this one would hold it up."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_send_here, host, port, requests, rate).result()


def _send_here(host: str, port: int, requests: Sequence[Request], rate: float) -> NDArray[np.float64]:
    return asyncio.run(send_all(host, port, requests, rate)).delays_ms


@dataclass(slots=True)
class Listener:
    """One reader of a user's stream: by event, when the list that answers it arrived (perf_counter)."""

    host: str
    port: int
    user: str
    arrived: dict[str, float] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def open(self) -> Self:
        """Connect, and read on in the background."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        request = Request("GET", f"/v1/users/{self.user}/recommendations/stream")
        writer.write(request.encode(f"{self.host}:{self.port}"))
        await reader.readuntil(b"\r\n\r\n")
        self._task = asyncio.create_task(self._read(reader, writer))
        return self

    def close(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    at = time.perf_counter()
                    self.arrived[json.loads(line[6:])["trigger"]["event_id"]] = at
        finally:
            writer.close()
