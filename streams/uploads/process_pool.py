"""A few isolated processes that examine untrusted files, and may be killed at any time."""

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from features.vision.formats import BadImage
from sightline_client.parsing import UNREADABLE
from streams.errors import StreamError
from streams.logs import log
from streams.uploads.decoder_process import LENGTH_BYTES

#: Attempts per file. A process killed from outside says nothing about the file, so another attempt may succeed.
ATTEMPTS = 2

_START_S = 30.0
#: The process ends itself at the deadline. One that still runs this much later was suspended or compromised.
_GRACE_S = 2.0
_END_S = 0.5
#: The process inherits nothing from the worker's environment, which may hold secrets. BLAS must not reserve memory for
#: threads. malloc keeps freed memory for the next picture: new memory from the system costs a fifth of a decoding.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
}

A = TypeVar("A")


class DecoderUnavailable(StreamError):
    """No decoder process can be started now; try again."""


class _Ended(Exception):
    """The process ended without an answer; `code` is asyncio's Process.returncode."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the decoder's process ended with code {code}")
        self.code = code


class ProcessPool(Generic[A]):
    """Warm processes that answer as `streams.uploads.decoder_process.serve` does; one that ended is replaced.

    `read` reads an answer of up to `answer_bytes`; whatever it raises of UNREADABLE, its process is believed no more.
    """

    def __init__(
        self,
        argv: Sequence[str],
        read: Callable[[bytes], A],
        *,
        processes: int,
        deadline_s: float,
        answer_bytes: int,
        kind: str,
    ) -> None:
        self._deadline_s = deadline_s
        self._kind = kind
        self._children = [_Child(argv, read, deadline_s + _GRACE_S, answer_bytes) for _ in range(processes)]
        self._idle: asyncio.Queue[_Child[A]] = asyncio.Queue()
        for child in self._children:
            self._idle.put_nowait(child)

    async def start(self) -> None:
        """Start the processes; raises DecoderUnavailable. Without it each starts with its first file."""
        await asyncio.gather(*(child.start() for child in self._children))

    async def ask(self, request: bytes) -> A:
        """The answer to a request; raises BadImage for what is too slow or ends the process, or DecoderUnavailable."""
        child = await self._idle.get()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return await child.ask(request)
                except _Ended as ended:
                    log.warning("decoder_ended", code=ended.code, picture_bytes=len(request))
                    if ended.code == -signal.SIGALRM:
                        message = f"decoding took over {self._deadline_s:g} s: scale it down, or save it again"
                        raise BadImage("too_slow", message) from None
        finally:
            self._idle.put_nowait(child)
        raise BadImage("crash", f"the decoder crashed on the {self._kind} {ATTEMPTS} times: save it again")

    async def close(self) -> None:
        """End the processes within a second, even busy ones."""
        await asyncio.gather(*(child.end() for child in self._children))

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run now."""
        return [child.pid for child in self._children if child.pid is not None]


class _Child(Generic[A]):
    """One process for one file at a time. A request after the process ended starts a new process."""

    def __init__(self, argv: Sequence[str], read: Callable[[bytes], A], timeout_s: float, answer_bytes: int) -> None:
        self._argv = argv
        self._read = read
        self._timeout_s = timeout_s
        self._answer_bytes = answer_bytes
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=PIPE, stdout=PIPE, env=_ENVIRONMENT, cwd="/", limit=self._answer_bytes
            )
            await self._exchange(self._process, b"", _START_S)
        except (OSError, _Ended) as error:
            raise DecoderUnavailable(f"no decoder process can be started: {error}") from error

    async def ask(self, request: bytes) -> A:
        """Return the answer to one request; raises _Ended or DecoderUnavailable."""
        if self._process is None:
            await self.start()
        assert self._process is not None
        answer = await self._exchange(self._process, request, self._timeout_s)
        try:
            return self._read(answer)
        except UNREADABLE:
            raise _Ended(await self.end()) from None

    async def end(self) -> int | None:
        """Wait for the process to end, else kill it, and reap it. Return its exit code; None if no process ran."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            # Kill only after the wait: killing a process that is about to end loses its exit code.
            with suppress(ProcessLookupError):
                process.kill()
        await process.communicate()
        return process.returncode

    async def _exchange(self, process: Process, request: bytes, timeout_s: float) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                process.stdin.write(request)
                await process.stdin.drain()
                length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
                if length > self._answer_bytes:
                    raise _Ended(None)
                return await process.stdout.readexactly(length)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, _Ended):
            raise _Ended(await self.end()) from None
        except asyncio.CancelledError:
            await self.end()  # otherwise the next file would receive this answer
            raise
