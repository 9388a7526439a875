"""Stored bytes: profiles and behaviours are packed arrays, items are the JSON of state.catalog."""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from features.behaviour import Behaviour
from features.dials import DIAL
from features.item import Item
from features.ledger import ENTRY
from features.profile import NOTHING_ASKED, Privacy, Profile
from features.trends import TREND
from sightline_client.parsing import UNREADABLE
from state.errors import StateCorrupt

_PROFILE = struct.Struct("<BIq")
_ASKED_PROFILE = struct.Struct("<BIq?qqq")
_BEHAVIOUR = struct.Struct("<Bddq")
_VOTED_BEHAVIOUR = struct.Struct("<BddqQQ")
_TRENDS = struct.Struct("<B")
_VERSION = 1
#: A profile whose user made a privacy request, and a behaviour with user bitmaps.
_ASKED_VERSION = _VOTED_VERSION = 2
#: A profile with dials.
_DIALS_VERSION = 3

_ARRAYS = (ENTRY, ENTRY, np.dtype("<u4"), np.dtype("<u8"))
#: The layout of a profile, by version: the numbers and the arrays.
_PROFILES = {
    _VERSION: (_PROFILE, _ARRAYS),
    _ASKED_VERSION: (_ASKED_PROFILE, _ARRAYS),
    _DIALS_VERSION: (_ASKED_PROFILE, (*_ARRAYS, DIAL)),
}


class StoredItem(msgspec.Struct, frozen=True):
    """An item as state.catalog, state.signals and Redis hold it; readers of any release ignore fields unknown to them.

    `embedding` and `encoder` are the picture's, so that a release that knows no other embedding finds it.
    `further_embeddings` are by encoder. They, and the `times` of fields that were not all said at `changed_at_ms`, are
    left out where there are none; an item of a release before `times` has none.
    """

    item_id: str
    changed_at_ms: int
    owner: str | None = None
    uploaded_at_ms: int = 0
    title: str | None = None
    description: str | None = None
    category: str | None = None
    price: float | None = None
    currency: str | None = None
    in_stock: bool = True
    hidden: bool = False
    deleted: bool = False
    expires_at_ms: int | None = None
    tags: tuple[tuple[str, float], ...] = ()
    colours: tuple[tuple[str, float], ...] = ()
    embedding: bytes | None = None
    encoder: str | None = None
    further_embeddings: dict[str, bytes] | msgspec.UnsetType = msgspec.UNSET
    times: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


_item = msgspec.json.Decoder(StoredItem)
_sources = msgspec.msgpack.Decoder(dict[int, int])


def encode_profile(profile: Profile) -> bytes:
    """Encode a profile: 13 bytes of numbers, 25 more after a privacy request, 8 of lengths, then the arrays.

    Dials take 2 more bytes and 12 each.
    """
    arrays = (profile.engaged, profile.refused, profile.seen, profile.events)
    numbers, asked = (profile.count, profile.last_at_ms), profile.privacy
    privacy = (asked.opted_out, asked.forgotten_ms, asked.asked_offset, asked.asked_ms)
    if len(profile.dials):
        return _ASKED_PROFILE.pack(_DIALS_VERSION, *numbers, *privacy) + _pack((*arrays, profile.dials))
    if asked == NOTHING_ASKED:
        return _PROFILE.pack(_VERSION, *numbers) + _pack(arrays)
    return _ASKED_PROFILE.pack(_ASKED_VERSION, *numbers, *privacy) + _pack(arrays)


def decode_profile(data: bytes) -> Profile:
    """Decode what encode_profile made; raises StateCorrupt."""
    version = data[0] if data and data[0] in _PROFILES else _VERSION
    (count, last_at_ms, *privacy), arrays = _unpack(data, *_PROFILES[version], version)
    engaged, refused, seen, events, *dials = arrays
    return Profile(engaged, refused, seen, events, count, last_at_ms, Privacy(*privacy), *dials)


def encode_behaviour(behaviour: Behaviour) -> bytes:
    """Encode a behaviour: 25 bytes of numbers, 16 more with user bitmaps, 2 of length, then the neighbours."""
    numbers, user_bitmap = (
        (behaviour.popular, behaviour.trend, behaviour.at_ms),
        (behaviour.user_bitmap, behaviour.user_bitmap_before),
    )
    neighbours = _pack((behaviour.neighbours,))
    if not any(user_bitmap):
        return _BEHAVIOUR.pack(_VERSION, *numbers) + neighbours
    return _VOTED_BEHAVIOUR.pack(_VOTED_VERSION, *numbers, *user_bitmap) + neighbours


def decode_behaviour(data: bytes) -> Behaviour:
    """Decode what encode_behaviour made; raises StateCorrupt."""
    voted = data[:1] == bytes([_VOTED_VERSION])
    head, version = (_VOTED_BEHAVIOUR, _VOTED_VERSION) if voted else (_BEHAVIOUR, _VERSION)
    numbers, (neighbours,) = _unpack(data, head, (ENTRY,), version)
    return Behaviour(neighbours, *numbers)


def encode_trends(trends: NDArray[np.void]) -> bytes:
    """Encode a partition's trends (`features.trends.TREND`)."""
    return _TRENDS.pack(_VERSION) + _pack((trends,))


def decode_trends(data: bytes) -> NDArray[np.void]:
    """Decode what encode_trends made; raises StateCorrupt."""
    _, (trends,) = _unpack(data, _TRENDS, (TREND,))
    return trends


def encode_sources(sources: dict[int, int]) -> bytes:
    """Encode the last sequence applied from each source partition."""
    return msgspec.msgpack.encode(sources)


def decode_sources(data: bytes) -> dict[int, int]:
    """Decode what encode_sources made; raises StateCorrupt."""
    try:
        return _sources.decode(data)
    except UNREADABLE as error:
        raise StateCorrupt(f"the sources of a signals partition do not decode: {error}") from None


def to_stored(item: Item) -> StoredItem:
    """The stored form of an item."""
    (encoder, embedding), *further = item.embeddings.items() or ((None, None),)
    return StoredItem(
        item.item_id,
        item.changed_at_ms,
        item.owner,
        item.uploaded_at_ms,
        item.title,
        item.description,
        item.category,
        item.price,
        item.currency,
        item.in_stock,
        item.hidden,
        item.deleted,
        item.expires_at_ms,
        item.tags,
        item.colours,
        embedding,
        encoder or None,
        dict(further) if further else msgspec.UNSET,
        dict(item.times) if item.times else msgspec.UNSET,
    )


def from_stored(stored: StoredItem) -> Item:
    """The item of a stored form; an embedding without an encoder has the encoder ""."""
    embeddings = {} if stored.embedding is None else {stored.encoder or "": stored.embedding}
    if stored.further_embeddings:
        embeddings |= stored.further_embeddings
    return Item(
        stored.item_id,
        stored.changed_at_ms,
        stored.owner,
        stored.uploaded_at_ms,
        stored.title,
        stored.description,
        stored.category,
        stored.price,
        stored.currency,
        stored.in_stock,
        stored.hidden,
        stored.deleted,
        stored.expires_at_ms,
        stored.tags,
        stored.colours,
        embeddings,
        stored.times or {},
    )


def encode_item(item: Item) -> bytes:
    """Encode an item as JSON with its embedding in base64: the value of a record on state.catalog."""
    return msgspec.json.encode(to_stored(item))


def decode_item(data: bytes) -> Item:
    """Decode what encode_item made; raises StateCorrupt."""
    try:
        return from_stored(_item.decode(data))
    except UNREADABLE as error:
        raise StateCorrupt(f"an item of the catalogue does not decode: {error}") from None


def _pack(arrays: Sequence[NDArray[Any]]) -> bytes:
    return struct.pack(f"<{len(arrays)}H", *map(len, arrays)) + b"".join(array.tobytes() for array in arrays)


def _unpack(
    data: bytes, head: struct.Struct, types: Sequence[DTypeLike], readable: int = _VERSION
) -> tuple[tuple[Any, ...], list[NDArray[Any]]]:
    try:
        version, *numbers = head.unpack_from(data)
        if version != readable:
            raise StateCorrupt(f"a stored value has version {version}; this release reads version {readable}")
        lengths = struct.unpack_from(f"<{len(types)}H", data, head.size)
        offset = head.size + 2 * len(types)
        arrays = []
        for length, dtype in zip(lengths, types, strict=True):
            arrays.append(np.frombuffer(data, dtype, length, offset))
            offset += arrays[-1].nbytes
    except (struct.error, ValueError) as error:
        raise StateCorrupt(f"a stored value of {len(data)} bytes does not decode: {error}") from None
    if offset != len(data):
        raise StateCorrupt(f"a stored value has {len(data)} bytes where {offset} were expected")
    return tuple(numbers), arrays
