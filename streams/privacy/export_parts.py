"""Divides an export into records that every topic takes (docs/adr/0017); `sightline_client.join_export` joins them.

The first part has the key that a whole export has, the hash of the user; each further one a key of its own, so that
compaction keeps them all. There are at most PARTS_LIMIT keys, so that a request to forget withdraws every one of them.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import asdict, replace

from sightline_client.privacy import Export
from streams.wire.events import encode

#: Bytes of a part. With its key and Kafka's own bytes it fits where 64 KiB are the limit.
PART_BYTES: Final = 60_000
#: An export of more than this many parts of PART_BYTES has larger parts instead: 1 MB each for 60 MB.
PARTS_LIMIT: Final = 64


def part_key(user_hash: str, part: int) -> bytes:
    """The Kafka key of a part, from 1.

    >>> part_key("f00", 1), part_key("f00", 2)
    (b'f00', b'f00.2')
    """
    return (user_hash if part == 1 else f"{user_hash}.{part}").encode()


def keys_of(user_hash: str) -> list[bytes]:
    """The keys that the parts of a user's exports may have."""
    return [part_key(user_hash, part) for part in range(1, PARTS_LIMIT + 1)]


def split(export: Export, part_bytes: int = PART_BYTES) -> list[Export]:
    """The parts of an export, in order: itself where it is small.

    Each part has a share of the entries of the lists, in their order; only the first one has the dials.
    """
    whole = encode(export)
    if len(whole) <= part_bytes:
        return [export]
    lists = {name: value for name, value in asdict(export).items() if isinstance(value, list)}
    first = replace(export, **{name: [] for name in lists})
    entries = [(name, entry, len(encode(entry)) + 1) for name, value in lists.items() for entry in value]
    head, largest = len(encode(first)) + len('"part":64,"parts":64'), max((size for _, _, size in entries), default=0)
    # No part ends with more than the largest entry of its room unused.
    room = max(part_bytes - head, len(whole) // (PARTS_LIMIT - 1) + largest)
    shares = list(_shares(entries, room))
    further = replace(first, dials={})
    return [
        replace(first if number == 1 else further, part=number, parts=len(shares), **share)
        for number, share in enumerate(shares, start=1)
    ]


def _shares(entries: list[tuple[str, Any, int]], room: int) -> Iterator[dict[str, list[Any]]]:
    share: dict[str, list[Any]] = {}
    left = room
    for name, entry, size in entries:
        if size > left and share:
            yield share
            share, left = {}, room
        share.setdefault(name, []).append(entry)
        left -= size
    yield share
