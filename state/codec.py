"""Stored bytes: profiles and behaviours are packed arrays, items are the JSON of state.catalog."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from features.behaviour import Behaviour
from features.dials import DIAL, NO_DIALS
from features.fingerprints import FingerprintSets
from features.item import Item
from features.ledger import ENTRY
from features.profile import EVENTS_BEFORE, NOTHING_ASKED, REFUSED_BEFORE, SEEN_BEFORE, Privacy, Profile
from features.seen_packing import pack_seen, unpack_seen
from features.trends import TREND
from features.upload_places import PLACE
from features.vision.clips.clip import Clip
from features.vision.kept_picture import KeptPicture
from features.words.item_words import ItemWords
from sightline_client.parsing import UNREADABLE
from state.errors import StateCorrupt

_PROFILE = struct.Struct("<BIq")
_ASKED_PROFILE = struct.Struct("<BIq?qqq")
_BEHAVIOUR = struct.Struct("<Bddq")
_VOTED_BEHAVIOUR = struct.Struct("<BddqQQ")
_MET_BEHAVIOUR = struct.Struct("<BddqQQQQ")
_TRENDS = struct.Struct("<B")
_VERSION = 1
#: A profile whose user made a privacy request, and a behaviour with user bitmaps.
_ASKED_VERSION = _VOTED_VERSION = 2
#: A profile with dials, and a behaviour with bitmaps of users who met the item and did not choose it.
_DIALS_VERSION = _MET_VERSION = 3
#: A profile that remembers more than the arrays have room for.
_BEFORE_VERSION = 4
#: A profile that knows how many items its user saw on the last day: this version, their number, then the bytes of one
#: of the others.
_TODAY_VERSION = 5
_TODAY = struct.Struct("<BH")
#: A profile with items that its user only uploaded: this version, a bit for each engaged item (32 at most), then the
#: bytes of one of the others.
_UPLOADED_VERSION = 6
_UPLOADED = struct.Struct("<BI")
#: Version, numbers, whether the user made a privacy request, and the lengths of the arrays, `seen` last.
_BEFORE_PROFILE = struct.Struct("<BIq?BBBHHH")
_BEFORE_ARRAYS = (ENTRY, ENTRY, np.dtype("<u8"), DIAL, PLACE)
_ASKED = struct.Struct("<?qqq")
_BEFORE_SETS = (SEEN_BEFORE, REFUSED_BEFORE, EVENTS_BEFORE)

_ARRAYS = (ENTRY, ENTRY, np.dtype("<u4"), np.dtype("<u8"))
#: The layout of a profile, by version: the numbers and the arrays.
_PROFILES = {
    _VERSION: (_PROFILE, _ARRAYS),
    _ASKED_VERSION: (_ASKED_PROFILE, _ARRAYS),
    _DIALS_VERSION: (_ASKED_PROFILE, (*_ARRAYS, DIAL)),
}

#: The layout of a behaviour, by version: its numbers, and bitmaps of users.
_BEHAVIOURS = {_VERSION: _BEHAVIOUR, _VOTED_VERSION: _VOTED_BEHAVIOUR, _MET_VERSION: _MET_BEHAVIOUR}


class StoredItem(msgspec.Struct, frozen=True):
    """An item as state.catalog, state.signals and Redis hold it; readers of any release ignore fields unknown to them.

    `embedding` and `encoder` are the picture's, so that a release that knows no other embedding finds it.
    `further_embeddings` are by encoder. They, and the `times` of fields that were not all said at `changed_at_ms`, are
    left out where there are none; an item of a release before `times` has none. `described_at_ms` is left out of items
    with a picture, and of those of a release before it; `kept_picture` of items whose picture is not kept;
    `descriptors` of items without a picture, `attributes` of those without any, `own_class` where the picture is of
    none for sure; `clip` of those without a clip; `words` of items whose words are not embedded. A release before them
    has none of these. What the gate says of an item (docs/adr/0038) is left out where it says nothing.
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
    described_at_ms: int | msgspec.UnsetType = msgspec.UNSET
    kept_picture: KeptPicture | msgspec.UnsetType = msgspec.UNSET
    descriptors: bytes | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    own_class: tuple[str, float] | msgspec.UnsetType = msgspec.UNSET
    clip: Clip | msgspec.UnsetType = msgspec.UNSET
    words: ItemWords | msgspec.UnsetType = msgspec.UNSET
    hashes: bytes | msgspec.UnsetType = msgspec.UNSET
    faults: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    held: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    copy_of: str | msgspec.UnsetType = msgspec.UNSET
    allowed: bool | msgspec.UnsetType = msgspec.UNSET


_item = msgspec.json.Decoder(StoredItem)
_sources = msgspec.msgpack.Decoder(dict[int, int])


def encode_profile(profile: Profile) -> bytes:
    """Encode a profile: 13 bytes of numbers, 25 more after a privacy request, 8 of lengths, then the arrays.

    Dials take 2 more bytes and 12 each. A profile of a user with a longer history, or with uploads, has a layout of its
    own. Before any of these stand 3 bytes that say how much the user saw on the last day; a profile that a release
    before them stored has none, and its day begins with the next event. First stand 5 bytes that say which items were
    only uploaded, if any were; in a profile of a release before them all count as chosen.
    """
    data = _encode_known(profile)
    if profile.seen_today:
        data = _TODAY.pack(_TODAY_VERSION, profile.seen_today) + data
    if profile.only_uploaded:
        items = enumerate(profile.engaged["item"].tolist())
        bits = sum(1 << place for place, item in items if item in profile.only_uploaded)
        data = _UPLOADED.pack(_UPLOADED_VERSION, bits) + data
    return data


def _encode_known(profile: Profile) -> bytes:
    """All but what was seen today, in the layout of version 1 to 4."""
    if profile.seen_before or profile.refused_before or profile.events_before or len(profile.uploads):
        return _encode_before(profile)
    arrays = (profile.engaged, profile.refused, profile.seen, profile.events)
    numbers, asked = (profile.count, profile.last_at_ms), profile.privacy
    privacy = (asked.opted_out, asked.forgotten_ms, asked.asked_offset, asked.asked_ms)
    if len(profile.dials):
        return _ASKED_PROFILE.pack(_DIALS_VERSION, *numbers, *privacy) + _pack((*arrays, profile.dials))
    if asked == NOTHING_ASKED:
        return _PROFILE.pack(_VERSION, *numbers) + _pack(arrays)
    return _ASKED_PROFILE.pack(_ASKED_VERSION, *numbers, *privacy) + _pack(arrays)


def decode_profile(data: bytes) -> Profile:
    """Decode what encode_profile made, in this release or one before; raises StateCorrupt."""
    if data[:1] != bytes([_UPLOADED_VERSION]):
        return _decode_today(data)
    (bits,) = _unpack_head(_UPLOADED, data)
    profile = _decode_today(data[_UPLOADED.size :])
    if not 0 < bits < 1 << len(profile.engaged):
        raise StateCorrupt(f"a stored profile with {len(profile.engaged)} items says {bits:b} of those only uploaded")
    items = enumerate(profile.engaged["item"].tolist())
    return replace(profile, only_uploaded=frozenset(item for place, item in items if bits >> place & 1))


def _decode_today(data: bytes) -> Profile:
    """A profile in the layout of version 1 to 5."""
    if data[:1] != bytes([_TODAY_VERSION]):
        return _decode_known(data)
    (seen_today,) = _unpack_head(_TODAY, data)
    profile = _decode_known(data[_TODAY.size :])
    if not 0 < seen_today <= len(profile.seen):
        raise StateCorrupt(f"a stored profile with {len(profile.seen)} items seen says {seen_today} of the last day")
    return replace(profile, seen_today=seen_today)


def _decode_known(data: bytes) -> Profile:
    """A profile in the layout of version 1 to 4."""
    if data[:1] == bytes([_BEFORE_VERSION]):
        return _decode_before(data)
    version = data[0] if data and data[0] in _PROFILES else _VERSION
    (count, last_at_ms, *privacy), arrays = _unpack(data, *_PROFILES[version], version)
    engaged, refused, seen, events, *further = arrays
    dials = further[0] if further else NO_DIALS
    return Profile(engaged, refused, seen, events, count, last_at_ms, Privacy(*privacy), dials)


def _encode_before(profile: Profile) -> bytes:
    """The layout of version 4: numbers, arrays, `seen`, then the fingerprints of what was before."""
    asked = profile.privacy
    arrays = (profile.engaged, profile.refused, profile.events, profile.dials, profile.uploads)
    before = (profile.seen_before, profile.refused_before, profile.events_before)
    lengths = (*map(len, arrays), len(profile.seen))
    parts = [
        _BEFORE_PROFILE.pack(_BEFORE_VERSION, profile.count, profile.last_at_ms, asked != NOTHING_ASKED, *lengths),
        *(array.tobytes() for array in arrays),
        pack_seen(profile.seen, profile.engaged),
        *map(FingerprintSets.pack, _BEFORE_SETS, before),
    ]
    if asked != NOTHING_ASKED:
        parts.insert(1, _ASKED.pack(asked.opted_out, asked.forgotten_ms, asked.asked_offset, asked.asked_ms))
    return b"".join(parts)


def _decode_before(data: bytes) -> Profile:
    try:
        _, count, last_at_ms, asked, *lengths, seen_length = _BEFORE_PROFILE.unpack_from(data)
        offset = _BEFORE_PROFILE.size + (_ASKED.size if asked else 0)
        privacy = Privacy(*_ASKED.unpack_from(data, _BEFORE_PROFILE.size)) if asked else NOTHING_ASKED
        arrays: list[NDArray[Any]] = []
        for length, dtype in zip(lengths, _BEFORE_ARRAYS, strict=True):
            arrays.append(np.frombuffer(data, dtype, length, offset))
            offset += arrays[-1].nbytes
        engaged, refused, events, dials, uploads = arrays
        seen, offset = unpack_seen(data, offset, seen_length, engaged)
        before = []
        for sets in _BEFORE_SETS:
            found, offset = sets.unpack(data, offset)
            before.append(found)
    except (struct.error, ValueError) as error:
        raise StateCorrupt(f"a stored value of {len(data)} bytes does not decode: {error}") from None
    _check_length(data, offset)
    seen_before, refused_before, events_before = before
    return Profile(
        engaged,
        refused,
        seen,
        events,
        count,
        last_at_ms,
        privacy,
        dials,
        seen_before,
        refused_before,
        events_before,
        uploads,
    )


def encode_behaviour(behaviour: Behaviour) -> bytes:
    """Encode a behaviour: 25 bytes of numbers, 16 or 32 more with bitmaps, 2 of length, then the neighbours."""
    numbers = behaviour.popular, behaviour.trend, behaviour.at_ms
    users = behaviour.user_bitmap, behaviour.user_bitmap_before
    met = behaviour.met_bitmap, behaviour.met_bitmap_before
    neighbours = _pack((behaviour.neighbours,))
    if any(met):
        return _MET_BEHAVIOUR.pack(_MET_VERSION, *numbers, *users, *met) + neighbours
    if any(users):
        return _VOTED_BEHAVIOUR.pack(_VOTED_VERSION, *numbers, *users) + neighbours
    return _BEHAVIOUR.pack(_VERSION, *numbers) + neighbours


def decode_behaviour(data: bytes) -> Behaviour:
    """Decode what encode_behaviour made; raises StateCorrupt."""
    version = data[0] if data[:1] and data[0] in _BEHAVIOURS else _VERSION
    head = _BEHAVIOURS[version]
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
        msgspec.UNSET if item.described_at_ms is None else item.described_at_ms,
        item.kept_picture or msgspec.UNSET,
        msgspec.UNSET if item.descriptors is None else item.descriptors,
        dict(item.attributes) if item.attributes else msgspec.UNSET,
        item.own_class or msgspec.UNSET,
        item.clip or msgspec.UNSET,
        item.words or msgspec.UNSET,
        msgspec.UNSET if item.hashes is None else item.hashes,
        item.faults or msgspec.UNSET,
        item.held or msgspec.UNSET,
        item.copy_of or msgspec.UNSET,
        item.allowed or msgspec.UNSET,
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
        None if stored.described_at_ms is msgspec.UNSET else stored.described_at_ms,
        stored.kept_picture or None,
        None if stored.descriptors is msgspec.UNSET else stored.descriptors,
        stored.attributes or None,
        stored.own_class or None,
        stored.clip or None,
        stored.words or None,
        None if stored.hashes is msgspec.UNSET else stored.hashes,
        stored.faults or (),
        stored.held or (),
        stored.copy_of or None,
        stored.allowed is True,
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
    _check_length(data, offset)
    return tuple(numbers), arrays


def _unpack_head(head: struct.Struct, data: bytes) -> tuple[int, ...]:
    """What stands behind the version at the start of a stored value."""
    if len(data) < head.size:
        raise StateCorrupt(f"a stored value has {len(data)} bytes where {head.size} or more were expected")
    _, *numbers = head.unpack_from(data)
    return tuple(numbers)


def _check_length(data: bytes, expected: int) -> None:
    if expected != len(data):
        raise StateCorrupt(f"a stored value has {len(data)} bytes where {expected} were expected")
