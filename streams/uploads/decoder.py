"""Pictures from strangers, decoded where they can do no harm: in a few processes that may be killed at any time."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

import msgspec
import numpy as np

from features.vision.decode import BadImage, Picture
from streams.errors import StreamError
from streams.logs import log
from streams.uploads.decoder_process import LENGTH_BYTES, SIDE, Answer, Decoded, frame

#: Of the whole process. No picture that features/vision/decode.py accepts takes as much (docs/operations.md).
MEMORY_BYTES = 600_000_000
DEADLINE_S = 2.0
#: A process that was killed from outside has not judged the picture: another one may.
ATTEMPTS = 2

_START_S = 30.0
#: The process ends itself at the deadline; after so much longer it must have been stopped or taken over.
_GRACE_S = 2.0
_END_S = 0.5
_ANSWER_LIMIT = 1 << 20
_COMMAND = (sys.executable, "-I", "-W", "ignore", "-m", "streams.uploads.decoder_process")
#: Nothing of the worker's environment, which may hold secrets. BLAS must not reserve memory for threads. What a picture
#: needs is kept for the next one: to have it of the system again costs a fifth of a decoding.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
}

#: Bytes to a picture; raises BadImage, or DecoderUnavailable when it cannot tell.
Decode: TypeAlias = Callable[[bytes], Awaitable[Picture]]
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class DecoderUnavailable(StreamError):
    """No process to decode in can be started now: try again."""


class _Ended(Exception):
    """The process ended without an answer; `code` as in asyncio's Process.returncode."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the decoder's process ended with code {code}")
        self.code = code


class Decoder:
    """A few warm processes (streams/uploads/decoder_process.py); the next picture after one ended starts another."""

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

    async def decode(self, data: bytes) -> Picture:
        """See Decode: `features.vision.decode`, which also refuses pictures that are too slow or end the process."""
        child = await self._idle.get()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return _picture(await child.ask(data))
                except _Ended as ended:
                    log.warning("decoder_ended", code=ended.code, picture_bytes=len(data))
                    if ended.code == -signal.SIGALRM:
                        message = f"decoding took over {self._deadline_s:g} s: scale it, or save it anew"
                        raise BadImage("too_slow", message) from None
        finally:
            self._idle.put_nowait(child)
        raise BadImage("crash", f"the decoder crashed over the picture {ATTEMPTS} times: save it anew")

    async def close(self) -> None:
        """End the processes, whatever they are doing, within a second."""
        await asyncio.gather(*(child.end() for child in self._children))

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [child.pid for child in self._children if child.pid is not None]


class _Child:
    """One process, started again when it is asked after it ended; one picture at a time."""

    def __init__(self, argv: Sequence[str], patience_s: float) -> None:
        self._argv = argv
        self._patience_s = patience_s
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
            raise DecoderUnavailable(f"no process to decode pictures in can be started: {error}") from error

    async def ask(self, data: bytes) -> Answer:
        """The answer to one picture; raises _Ended, and DecoderUnavailable."""
        if self._process is None:
            await self.start()
        assert self._process is not None
        answer = await self._exchange(self._process, frame(data), self._patience_s)
        try:
            return _answers.decode(answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Ended(await self.end()) from None

    async def end(self) -> int | None:
        """Let the process end, kill it otherwise, and collect it; its exit code, None where there is none."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            # Not before: killing one that is about to end loses its exit code.
            with suppress(ProcessLookupError):
                process.kill()
        await process.communicate()
        return process.returncode

    async def _exchange(self, process: Process, request: bytes, patience_s: float) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(patience_s):
                process.stdin.write(request)
                await process.stdin.drain()
                length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
                if length > _ANSWER_LIMIT:
                    raise _Ended(None)
                return await process.stdout.readexactly(length)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, _Ended):
            raise _Ended(await self.end()) from None
        except asyncio.CancelledError:
            await self.end()  # or its answer would be taken for the next picture's
            raise


def _picture(answer: Answer) -> Picture:
    if not isinstance(answer, Decoded):
        raise BadImage(answer.reason, answer.message)
    pixels = np.frombuffer(answer.pixels, np.uint8).reshape(SIDE, SIDE, 3)
    return Picture(pixels, answer.width, answer.height, answer.format)
