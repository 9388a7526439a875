"""A sandboxed process that only decodes clips, apart from that of pictures: FFmpeg is large, and a clip takes long.

It serves as `streams.uploads.decoder_process` does, under the same limits.
"""

from io import BytesIO

import av
import msgspec
from PIL import Image

from features.vision.clips.decode import decode_clip
from features.vision.decode import Wanted
from features.vision.descriptors.packed import describe
from features.vision.formats import BadImage
from streams.uploads.clip_answers import ClipAnswer, DecodedClip
from streams.uploads.decoder_process import LENGTH_BYTES, SIDE, Refused, asked, load_plugins, request, serve


def main() -> None:
    """Answer with decoded clips until stdin ends."""
    serve(lambda content: msgspec.msgpack.encode(_decode(content)), _load)


def _decode(content: bytes) -> ClipAnswer:
    try:
        data, wanted = asked(content)
        clip = decode_clip(data, size=SIDE, keep=wanted.keep, tiles=wanted.tiles)
    except BadImage as error:
        return Refused(error.reason, str(error))
    return DecodedClip(
        clip.frames.tobytes(),
        clip.width,
        clip.height,
        clip.format,
        clip.duration_ms,
        clip.kept,
        describe(clip.frames[0]),
        clip.judged.faults,
        clip.judged.hashes,
        b"" if clip.tiles is None else clip.tiles.tobytes(),
    )


def _load() -> None:
    load_plugins()
    # What a clip says to a log would fill that of the worker.
    av.logging.set_level(None)
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "GIF")
    _decode(request(buffer.getvalue(), Wanted("full", tiles=True))[LENGTH_BYTES:])


if __name__ == "__main__":
    main()
