"""A process that decodes pictures and can do nothing else: it opens no file and no socket, and knows no secret.

`python -m streams.uploads.decoder_process SECONDS BYTES` takes a frame with a picture on stdin and writes a frame with
the answer to stdout. A picture that takes longer ends the process; one that needs more memory is refused, or ends it.
The answers are MessagePack and not pickles: whoever takes this process over must not get any further.
"""

import fcntl
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta
from PIL import Image

from features.vision.decode import BadImage, Reason, decode

#: A frame is its length, so many bytes big-endian, and its content; the first answer is empty and means: ready.
LENGTH_BYTES = 4
SIDE = 224
#: The least power of two that holds an answer.
PIPE_BYTES = 1 << 18


class Decoded(msgspec.Struct, frozen=True, tag=True):
    """A picture; `pixels` are the bytes of uint8 [SIDE, SIDE, 3]."""

    pixels: Annotated[bytes, Meta(min_length=3 * SIDE**2, max_length=3 * SIDE**2)]
    width: int
    height: int
    format: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Why there is no picture."""

    reason: Reason
    message: str


Answer = Decoded | Refused


def frame(content: bytes) -> bytes:
    """The content with its length before it."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def main() -> None:
    """Answer until stdin ends, which it does at the latest with the process that started this one."""
    deadline_s, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they reach the whole process group, and the worker decides
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _load_everything()
    _widen(1)
    _confine(memory_bytes)
    with os.fdopen(0, "rb") as pictures, os.fdopen(1, "wb") as answers:
        _answer(answers, b"")
        for picture in _frames(pictures):
            # Ends the process, whatever it is doing: nobody has to look after it.
            signal.setitimer(signal.ITIMER_REAL, deadline_s)
            answer = msgspec.msgpack.encode(_decode(picture))
            signal.setitimer(signal.ITIMER_REAL, 0)
            _answer(answers, answer)


def _decode(data: bytes) -> Answer:
    try:
        picture = decode(data, size=SIDE)
    except BadImage as error:
        return Refused(error.reason, str(error))
    return Decoded(picture.pixels.tobytes(), picture.width, picture.height, picture.format)


def _load_everything() -> None:
    """Have Pillow import its plugins now: later it could not open them."""
    Image.init()
    for name in ("JPEG", "PNG", "GIF", "WEBP"):
        buffer = BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, name)
        decode(buffer.getvalue())


def _widen(pipe: int) -> None:
    """Let an answer fit into the pipe, where the system allows it: handed over in parts it costs both sides more."""
    with suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _confine(memory_bytes: int) -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),  # stdin, stdout and stderr, which are open
    ):
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
