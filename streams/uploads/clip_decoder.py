"""Decodes untrusted clips in an isolated process of its own, which starts with the first clip."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.vision.clips.clip import MOST_TILED
from features.vision.decode import SQUARE, Wanted
from features.vision.formats import BadImage
from features.vision.gate.judge import Judged
from features.vision.kept import KeptFiles
from streams.uploads.clip_answers import ANSWER_LIMIT, ClipAnswer, DecodedClip
from streams.uploads.decoder import checked, squares
from streams.uploads.decoder_process import request
from streams.uploads.process_pool import ProcessPool

#: An H.264 clip of 4096 × 2304 pixels took 383 MB; one that refers to 16 frames may take three times that.
MEMORY_BYTES = 1_200_000_000
#: 300 million pixels take 2 s on one idle core.
DEADLINE_S = 15.0

_COMMAND = (sys.executable, "-I", "-W", "ignore", "-m", "streams.uploads.clip_process")
_answers: msgspec.msgpack.Decoder[ClipAnswer] = msgspec.msgpack.Decoder(ClipAnswer)


@dataclass(frozen=True, slots=True)
class SeenClip:
    """A decoded clip: `frames` uint8 [n, SIDE, SIDE, 3], 1 ≤ n ≤ 16, and what is kept and described of the first.

    `judged` has the faults of all, and the hashes of each; `tiles` uint8 [m, t, SIDE, SIDE, 3] show all of some frames.
    """

    frames: NDArray[np.uint8]
    duration_ms: int
    kept: KeptFiles | None
    descriptors: bytes
    judged: Judged
    tiles: NDArray[np.uint8] | None = None


#: Decodes bytes to key frames. Raises BadImage, or DecoderUnavailable if the clip could not be examined.
DecodeClip: TypeAlias = Callable[[bytes, Wanted], Awaitable[SeenClip]]


def is_installed() -> bool:
    """Whether PyAV is: it is in the extra `clips`."""
    return find_spec("av") is not None


class ClipDecoder:
    """Decodes one clip at a time (streams/uploads/clip_process.py)."""

    def __init__(
        self,
        *,
        deadline_s: float = DEADLINE_S,
        memory_bytes: int = MEMORY_BYTES,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self._pool: ProcessPool[ClipAnswer] = ProcessPool(
            [*command, str(deadline_s), str(memory_bytes)],
            _answers.decode,
            processes=1,
            deadline_s=deadline_s,
            answer_bytes=ANSWER_LIMIT,
            kind="clip",
        )

    async def decode(self, data: bytes, wanted: Wanted = SQUARE) -> SeenClip:
        """Implement DecodeClip with `features.vision.clips.decode`; refuse also what is slow, or ends the process."""
        answer = await self._pool.ask(request(data, wanted))
        if not isinstance(answer, DecodedClip):
            raise BadImage(answer.reason, answer.message)
        frames, judged, tiles = squares(answer.frames), Judged(answer.faults, answer.hashes), squares(answer.tiles)
        count = min(len(frames), MOST_TILED)
        if len(tiles) % count or bool(len(tiles)) != wanted.tiles:
            raise BadImage("crash", "the decoder gave other tiles than those asked for: save the clip again")
        by_frame = tiles.reshape(count, -1, *tiles.shape[1:]) if wanted.tiles else None
        return SeenClip(frames, answer.duration_ms, checked(answer.kept), answer.descriptors, judged, by_frame)

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run now."""
        return self._pool.pids

    async def close(self) -> None:
        """End the process within a second, even a busy one."""
        await self._pool.close()
