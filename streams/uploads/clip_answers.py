"""What the process that decodes clips answers: read by a worker that need not have FFmpeg."""

from typing import Annotated

import msgspec
from msgspec import Meta

from features.vision.clips.clip import MOST_FRAMES, MOST_TILED
from features.vision.descriptors.packed import PACKED_BYTES
from features.vision.gate.picture_hash import HASH_BYTES
from features.vision.gate.table import Fault
from features.vision.gate.tiles import MOST_TILES
from features.vision.kept import KeptFiles
from streams.uploads.decoder_process import SQUARE_BYTES, Refused

#: Bytes of the tiles of key frames, at most.
TILES_LIMIT = MOST_TILED * MOST_TILES * SQUARE_BYTES
#: All frames and tiles, and twice noise as WebP.
ANSWER_LIMIT = MOST_FRAMES * SQUARE_BYTES + TILES_LIMIT + (4 << 20)


class DecodedClip(msgspec.Struct, frozen=True, tag=True):
    """A decoded clip; `frames` are the bytes of uint8 [n, SIDE, SIDE, 3], the descriptors those of the first.

    `hashes` are those of each frame, HASH_BYTES, one after the other; `tiles` are those of up to MOST_TILED, or none.
    """

    frames: Annotated[bytes, Meta(min_length=SQUARE_BYTES, max_length=MOST_FRAMES * SQUARE_BYTES)]
    width: int
    height: int
    format: str
    duration_ms: Annotated[int, Meta(ge=1)]
    kept: KeptFiles | None
    descriptors: Annotated[bytes, Meta(min_length=PACKED_BYTES, max_length=PACKED_BYTES)]
    faults: tuple[Fault, ...]
    hashes: Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=MOST_FRAMES * HASH_BYTES)]
    tiles: Annotated[bytes, Meta(max_length=TILES_LIMIT)]


ClipAnswer = DecodedClip | Refused
