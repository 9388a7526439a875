"""Takes out of a PNG the chunks that say nothing about its pixels and would make Pillow refuse the whole file."""

import struct
import zlib

#: Bytes that are kept, unpacked, of all texts and of the profile; Pillow refuses a chunk of more. EXIF takes less.
ROOM = 1 << 20
_SIGNATURE_BYTES = 8
_TEXTS = (b"tEXt", b"iTXt", b"zTXt")
_PROFILE = b"iCCP"
_COMPRESSED = (b"zTXt", _PROFILE)
#: Chunks of a fixed length (PNG, third edition, section 11.3); another length makes Pillow fail.
_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9}


def without_bulk(data: bytes) -> bytes:
    """The file without texts and profiles that are oversized or damaged; the same object if it has none.

    From the first that does not fit, none is unpacked, so that many small bombs cost no more than one.
    """
    kept: list[bytes] = []
    rooms = {**dict.fromkeys(_TEXTS, "texts"), _PROFILE: "profile"}
    left = dict.fromkeys(rooms.values(), ROOM)
    start = at = _SIGNATURE_BYTES
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + length + 12
        keep = not (kind in rooms or kind in _LENGTHS) or _is_intact(kind, data, at, end)
        if keep and kind in rooms:
            room = left[rooms[kind]]
            left[rooms[kind]] = room - _unpacked(kind, data[at + 8 : end - 4]) if room > 0 else -1
            keep = left[rooms[kind]] >= 0
        if not keep:
            kept.append(data[start:at])
            start = end
        at = end
    return data if not kept else b"".join((data[:_SIGNATURE_BYTES], *kept, data[start:]))


def _is_intact(kind: bytes, data: bytes, at: int, end: int) -> bool:
    """Whether the chunk has the right checksum, and the right length if that is fixed."""
    if end > len(data) or _LENGTHS.get(kind, end - at - 12) != end - at - 12:
        return False
    return zlib.crc32(data[at + 4 : end - 4]) == int.from_bytes(data[end - 4 : end], "big")


def _unpacked(kind: bytes, content: bytes) -> int:
    """The bytes that a chunk takes when it is unpacked; more than there is room for if it is too much or broken."""
    _, _, rest = content.partition(b"\0")
    if kind in _COMPRESSED:
        packed = rest[1:] if rest[:1] == b"\0" else b""
    elif kind == b"iTXt" and rest[:1] != b"\0":
        packed = rest[2:].split(b"\0", 2)[-1]
    else:
        return len(content)
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, ROOM)
    except zlib.error:
        return ROOM + 1
    return len(text) if unpacking.eof else ROOM + 1
