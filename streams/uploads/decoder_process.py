"""A sandboxed process that only decodes and describes pictures: it opens no file and no socket, and holds no secret.

`python -m streams.uploads.decoder_process SECONDS BYTES` reads frames from stdin, each with a picture behind a head
that says what is wanted of it, and writes frames with the answers to stdout. A picture that takes more than SECONDS
ends the process. A picture for which the process would need more than BYTES of memory is refused or ends the process.
The answers are MessagePack, not pickle: an attacker who controls this process must not reach the worker.
"""

import ctypes
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta
from PIL import Image

from features.vision.clips.clip import MOST_FRAMES
from features.vision.decode import Wanted, decode
from features.vision.descriptors.packed import PACKED_BYTES, describe
from features.vision.formats import BadImage, Reason
from features.vision.gate.picture_hash import HASH_BYTES
from features.vision.gate.table import Fault
from features.vision.gate.tiles import MOST_TILES
from features.vision.kept import KeptFiles
from sightline_client.events import BOXES_LIMIT
from streams.uploads.no_new_processes import forbid_new_processes

#: A frame is its length (LENGTH_BYTES, big-endian) and its content. The first answer is empty and means "ready".
LENGTH_BYTES = 4
SIDE = 224
SQUARE_BYTES = 3 * SIDE**2
#: Views of one picture: the boxes of a query, or the key frames of a clip.
MOST_VIEWS = max(BOXES_LIMIT, MOST_FRAMES)
#: The smallest power of two that holds most answers.
PIPE_BYTES = 1 << 18
_M_ARENA_MAX = -8
_wanted = msgspec.msgpack.Decoder(Wanted)


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Why a picture, or a view of it, was refused."""

    reason: Reason
    message: str


class Decoded(msgspec.Struct, frozen=True, tag=True):
    """A decoded picture; `views` are the bytes of uint8 [n, SIDE, SIDE, 3], `tiles` as well, or none.

    A wanted view that is not among them is `refused`, by its place.
    `descriptors` are those of the views as they are kept. What the gate says is that of `features.vision.gate.judge`.
    """

    views: Annotated[bytes, Meta(min_length=SQUARE_BYTES, max_length=MOST_VIEWS * SQUARE_BYTES)]
    tiles: Annotated[bytes, Meta(max_length=MOST_TILES * SQUARE_BYTES)]
    width: int
    height: int
    format: str
    kept: KeptFiles | None
    descriptors: tuple[Annotated[bytes, Meta(min_length=PACKED_BYTES, max_length=PACKED_BYTES)] | None, ...]
    faults: tuple[Fault, ...]
    hashes: Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
    refused: dict[Annotated[int, Meta(ge=0, lt=BOXES_LIMIT)], Refused] = {}


Answer = Decoded | Refused


def frame(content: bytes) -> bytes:
    """Return the content, preceded by its length."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def main() -> None:
    """Answer with decoded pictures until stdin ends."""
    serve(lambda content: msgspec.msgpack.encode(_decode(content)), load_plugins)


def serve(decode: Callable[[bytes], bytes], load: Callable[[], None]) -> None:
    """Answer each frame with what `decode` makes of it; `load` comes before the limits.

    It ends when stdin ends, with the parent process at the latest.
    """
    deadline_s, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)  # the whole process group gets them; the worker decides
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    load()
    _enlarge_pipe(1)
    _share_one_heap()
    _limit_resources(memory_bytes)
    with os.fdopen(0, "rb") as pictures, os.fdopen(1, "wb") as answers:
        _answer(answers, b"")
        for picture in _frames(pictures):
            # SIGALRM ends the process at the deadline, whatever it is doing, so no watchdog is needed.
            signal.setitimer(signal.ITIMER_REAL, deadline_s)
            answer = decode(picture)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _answer(answers, answer)


def request(data: bytes, wanted: Wanted) -> bytes:
    """The frame with a picture, and before it what is wanted of it."""
    return frame(frame(msgspec.msgpack.encode(wanted)) + data)


def asked(content: bytes) -> tuple[bytes, Wanted]:
    """The picture in the content of a `request`, and what is wanted of it."""
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "big")
    return content[end:], _wanted.decode(content[LENGTH_BYTES:end])


def _decode(content: bytes) -> Answer:
    try:
        data, wanted = asked(content)
        picture = decode(data, wanted, size=SIDE)
    except BadImage as error:
        return Refused(error.reason, str(error))
    return Decoded(
        picture.views.tobytes(),
        b"" if picture.tiles is None else picture.tiles.tobytes(),
        picture.width,
        picture.height,
        picture.format,
        picture.kept,
        tuple(describe(view) if wanted.described else None for view in picture.views),
        picture.judged.faults,
        picture.judged.hashes,
        {place: Refused(error.reason, str(error)) for place, error in picture.refused.items()},
    )


def load_plugins() -> None:
    """Make Pillow import its plugins, and the descriptors their tables, now: the limits forbid to open more files."""
    Image.init()
    for name in ("JPEG", "PNG", "GIF", "WEBP"):
        buffer = BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, name)
        _decode(request(buffer.getvalue(), Wanted("full", tiles=True))[LENGTH_BYTES:])


def _enlarge_pipe(pipe: int) -> None:
    """Make the pipe hold a whole answer, if the system allows it: sending it in parts costs both sides more."""
    with suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _share_one_heap() -> None:
    """Stop glibc from reserving 64 MB of addresses for each thread: the limit counts addresses, used or not."""
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _limit_resources(memory_bytes: int) -> None:
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 3,  # stdin, stdout and stderr are open already
    }
    if not forbid_new_processes():
        limits[resource.RLIMIT_NPROC] = 0  # no threads either, so the decoder of HEIC ends the process
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))


def _frames(source: BinaryIO) -> Iterator[bytes]:
    while len(head := source.read(LENGTH_BYTES)) == LENGTH_BYTES:
        length = int.from_bytes(head, "big")
        content = source.read(length)
        if len(content) < length:
            return
        yield content


def _answer(answers: BinaryIO, content: bytes) -> None:
    answers.write(frame(content))
    answers.flush()


if __name__ == "__main__":
    main()
