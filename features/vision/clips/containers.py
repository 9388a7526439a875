"""What is accepted as a clip: MP4, WebM and GIF by their first bytes, and how much of the file is missing."""

from typing import Final, Literal

from features.vision.formats import HEAD_BYTES, BadImage, branded

#: The longest file of a clip.
MAX_BYTES: Final = 50_000_000
#: A file may lack this share of its bytes, as a picture may of its pixels.
MOST_MISSING: Final = 0.02

Container = Literal["mp4", "webm", "gif"]
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def container_of(data: bytes) -> Container:
    """The container of a whole file, by its first bytes and not by its name; raises BadImage for anything else."""
    if not data:
        raise BadImage("empty", "the clip has 0 bytes: send the content of the file")
    if len(data) > MAX_BYTES:
        raise BadImage("too_large_bytes", f"the clip has {len(data):,} bytes: send at most {MAX_BYTES:,}")
    found = _sniffed(data)
    if found is None:
        raise BadImage(
            "not_a_clip", f"the bytes begin with {data[:12]!r}, which is not MP4, WebM or GIF: convert the clip"
        )
    if (missing := _missing_share(data, found)) > MOST_MISSING:
        share = f", {missing:.0%} are missing" if missing < 1 else ""
        raise BadImage("truncated", f"the {found} file is cut short{share}: send the whole file")
    return found


def is_clip(head: bytes) -> bool:
    """Whether a file with these first HEAD_BYTES is a clip and no picture; a GIF is taken for a picture."""
    return _sniffed(head) in ("mp4", "webm")


def _sniffed(data: bytes) -> Container | None:
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(_EBML):
        return "webm" if b"webm" in data[:HEAD_BYTES] else None
    # The same box begins pictures of a phone.
    return "mp4" if data[4:8] == b"ftyp" and branded(data) is None else None


def _missing_share(data: bytes, container: Container) -> float:
    """The share of its bytes that a file says it has and lacks: 0 to 1, and 0 where it says nothing of them."""
    if container == "gif":
        # The trailer, perhaps padded (GIF89a, section 27). Without it nothing says how much is missing, hence all.
        return 0.0 if data.rstrip(b"\0\r\n ").endswith(b";") else 1.0
    declared = _end_of_boxes(data) if container == "mp4" else _end_of_segment(data)
    return max(declared - len(data), 0) / max(declared, 1)


def _end_of_boxes(data: bytes) -> int:
    """Where the last box ends (ISO/IEC 14496-12, section 4.2); a damaged one is left to who reads it."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:  # 0: to the end of the file
            return len(data)
        at += size
    return at


def _end_of_segment(data: bytes) -> int:
    """Where the segment ends that has everything but the head (RFC 8794, section 4); a live one does not say."""
    size, start = _number(data, len(_EBML))
    at = start + (size or 0)
    if data[at : at + 4] != _SEGMENT:
        return len(data)
    size, start = _number(data, at + 4)
    return len(data) if size is None else start + size


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """A number of variable length, None where all its bits are set, which means unknown; and where it ends."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), at + length
