"""Decodes and describes untrusted pictures in a few isolated processes, which may be killed at any time."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.vision.decode import SQUARE, Picture, Wanted
from features.vision.formats import BadImage
from features.vision.gate.judge import Judged
from features.vision.gate.tiles import MOST_TILES
from features.vision.kept import KeptFiles
from streams.uploads.decoder_process import MOST_VIEWS, SIDE, SQUARE_BYTES, Answer, Decoded, request
from streams.uploads.process_pool import ProcessPool

#: The limit of the whole process. Every picture that features/vision/decode.py accepts needs less (docs/operations.md).
MEMORY_BYTES = 600_000_000
DEADLINE_S = 2.0
#: Characters of what is said of a view that is refused: it stands in the answer to a query.
MESSAGE_LIMIT = 300
#: Noise of 1024 × 1024 pixels takes 0.8 MB as WebP.
_ANSWER_LIMIT = (MOST_VIEWS + MOST_TILES) * SQUARE_BYTES + (2 << 20)
_COMMAND = (sys.executable, "-I", "-W", "ignore", "-m", "streams.uploads.decoder_process")
#: Decodes bytes to what is wanted of a picture. Raises BadImage, or DecoderUnavailable if it could not be examined.
Decode: TypeAlias = Callable[[bytes, Wanted], Awaitable[Picture]]
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class Decoder:
    """Decodes pictures in a pool of warm processes (streams/uploads/decoder_process.py)."""

    def __init__(
        self,
        *,
        processes: int = 2,
        deadline_s: float = DEADLINE_S,
        memory_bytes: int = MEMORY_BYTES,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self._pool: ProcessPool[Answer] = ProcessPool(
            [*command, str(deadline_s), str(memory_bytes)],
            _answers.decode,
            processes=processes,
            deadline_s=deadline_s,
            answer_bytes=_ANSWER_LIMIT,
            kind="picture",
        )

    async def start(self) -> None:
        """Start the processes; raises DecoderUnavailable."""
        await self._pool.start()

    async def decode(self, data: bytes, wanted: Wanted = SQUARE) -> Picture:
        """Implement Decode with `features.vision.decode`; also refuse pictures that are too slow or end the process."""
        return _picture(await self._pool.ask(request(data, wanted)), wanted)

    async def close(self) -> None:
        """End the processes within a second, even busy ones."""
        await self._pool.close()

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run now."""
        return self._pool.pids


def _picture(answer: Answer, wanted: Wanted) -> Picture:
    if not isinstance(answer, Decoded):
        raise BadImage(answer.reason, answer.message)
    views, tiles = squares(answer.views), squares(answer.tiles)
    said = [(place, answer.refused.get(place)) for place in range(len(wanted.views))]
    refused = {place: BadImage(why.reason, why.message[:MESSAGE_LIMIT]) for place, why in said if why is not None}
    if len(views) != len(answer.descriptors) or (len(views) != len(said) - len(refused) and not wanted.strip):
        raise BadImage("crash", "the decoder gave other views than those asked for: save the picture again")
    kept, judged = checked(answer.kept), Judged(answer.faults, answer.hashes)
    size = answer.width, answer.height
    return Picture(
        views, *size, answer.format, kept, answer.descriptors, judged, tiles if len(tiles) else None, refused
    )


def squares(pixels: bytes) -> NDArray[np.uint8]:
    """What a process gave as bytes, as uint8 [n, SIDE, SIDE, 3]; raises BadImage for a part of a square."""
    if len(pixels) % SQUARE_BYTES:
        raise BadImage("crash", "the decoder gave a part of its pixels: save the file again")
    return np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE, 3)


def checked(kept: KeptFiles | None) -> KeptFiles | None:
    """The files, if they are WebP: a process that an attacker controls must not put anything else before readers."""
    files = () if kept is None else (kept.preview, kept.full, kept.frames)
    for file in (each for each in files if each is not None):
        if file[:4] != b"RIFF" or file[8:12] != b"WEBP" or int.from_bytes(file[4:8], "little") + 8 != len(file):
            raise BadImage("crash", "the decoder gave a file that is no WebP: save the picture again")
    return kept
