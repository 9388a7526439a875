"""Decodes and describes untrusted pictures in a few isolated processes, which may be killed at any time."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import msgspec
import numpy as np

from features.vision.decode import Picture
from features.vision.formats import BadImage
from features.vision.gate.judge import Judged
from features.vision.kept import KeptFiles
from features.vision.kept_picture import Keep
from sightline_client.parsing import UNREADABLE
from streams.errors import StreamError
from streams.logs import log
from streams.uploads.decoder_process import LENGTH_BYTES, SIDE, Answer, Decoded, request

#: The limit of the whole process. Every picture that features/vision/decode.py accepts needs less (docs/operations.md).
MEMORY_BYTES = 600_000_000
DEADLINE_S = 2.0
#: Attempts per picture. A process killed from outside says nothing about the picture, so another attempt may succeed.
ATTEMPTS = 2

_START_S = 30.0
#: The process ends itself at the deadline. One that still runs this much later was suspended or compromised.
_GRACE_S = 2.0
_END_S = 0.5
#: Noise of 1024 × 1024 pixels takes 0.8 MB as WebP.
_ANSWER_LIMIT = 2 << 20
_COMMAND = (sys.executable, "-I", "-W", "ignore", "-m", "streams.uploads.decoder_process")
#: The process inherits nothing from the worker's environment, which may hold secrets. BLAS must not reserve memory for
#: threads. malloc keeps freed memory for the next picture: new memory from the system costs a fifth of a decoding.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
}

#: Decodes bytes to a picture, and to what is to be kept of it. Raises BadImage, or DecoderUnavailable if the picture
#: could not be examined.
Decode: TypeAlias = Callable[[bytes, Keep], Awaitable[Picture]]
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class DecoderUnavailable(StreamError):
    """No decoder process can be started now; try again."""


class _Ended(Exception):
    """The process ended without an answer; `code` is asyncio's Process.returncode."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the decoder's process ended with code {code}")
        self.code = code


class Decoder:
    """A pool of warm processes (streams/uploads/decoder_process.py). The next picture replaces a process that ended."""

    def __init__(
        self,
        *,
        processes: int = 2,
        deadline_s: float = DEADLINE_S,
        memory_bytes: int = MEMORY_BYTES,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        argv = [*command, str(deadline_s), str(memory_bytes)]
        self._deadline_s = deadline_s
        self._children = [_Child(argv, deadline_s + _GRACE_S) for _ in range(processes)]
        self._idle: asyncio.Queue[_Child] = asyncio.Queue()
        for child in self._children:
            self._idle.put_nowait(child)

    async def start(self) -> None:
        """Start the processes; raises DecoderUnavailable."""
        await asyncio.gather(*(child.start() for child in self._children))

    async def decode(self, data: bytes, keep: Keep = "none") -> Picture:
        """Implement Decode with `features.vision.decode`; also refuse pictures that are too slow or end the process."""
        child = await self._idle.get()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return _picture(await child.ask(data, keep))
                except _Ended as ended:
                    log.warning("decoder_ended", code=ended.code, picture_bytes=len(data))
                    if ended.code == -signal.SIGALRM:
                        message = f"decoding took over {self._deadline_s:g} s: scale it down, or save it again"
                        raise BadImage("too_slow", message) from None
        finally:
            self._idle.put_nowait(child)
        raise BadImage("crash", f"the decoder crashed on the picture {ATTEMPTS} times: save it again")

    async def close(self) -> None:
        """End the processes within a second, even busy ones."""
        await asyncio.gather(*(child.end() for child in self._children))

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run now."""
        return [child.pid for child in self._children if child.pid is not None]


class _Child:
    """One process for one picture at a time. A request after the process ended starts a new process."""

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        self._argv = argv
        self._timeout_s = timeout_s
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=PIPE, stdout=PIPE, env=_ENVIRONMENT, cwd="/", limit=_ANSWER_LIMIT
            )
            await self._exchange(self._process, b"", _START_S)
        except (OSError, _Ended) as error:
            raise DecoderUnavailable(f"no decoder process can be started: {error}") from error

    async def ask(self, data: bytes, keep: Keep) -> Answer:
        """Return the answer to one picture; raises _Ended or DecoderUnavailable."""
        if self._process is None:
            await self.start()
        assert self._process is not None
        answer = await self._exchange(self._process, request(data, keep), self._timeout_s)
        try:
            return _answers.decode(answer)
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
                if length > _ANSWER_LIMIT:
                    raise _Ended(None)
                return await process.stdout.readexactly(length)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, _Ended):
            raise _Ended(await self.end()) from None
        except asyncio.CancelledError:
            await self.end()  # otherwise the next picture would receive this answer
            raise


def _picture(answer: Answer) -> Picture:
    if not isinstance(answer, Decoded):
        raise BadImage(answer.reason, answer.message)
    pixels = np.frombuffer(answer.pixels, np.uint8).reshape(SIDE, SIDE, 3)
    kept, judged = _checked(answer.kept), Judged(answer.faults, answer.hashes)
    return Picture(pixels, answer.width, answer.height, answer.format, kept, answer.descriptors, judged)


def _checked(kept: KeptFiles | None) -> KeptFiles | None:
    """The files, if they are WebP: a process that an attacker controls must not put anything else before readers."""
    files = () if kept is None else (kept.preview, *(() if kept.full is None else (kept.full,)))
    for file in files:
        if file[:4] != b"RIFF" or file[8:12] != b"WEBP" or int.from_bytes(file[4:8], "little") + 8 != len(file):
            raise BadImage("crash", "the decoder gave a file that is no WebP: save the picture again")
    return kept
