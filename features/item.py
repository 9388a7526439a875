"""The catalogue record of an item and its changes; also keys of ids, and exponential decay."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=65_536)
def key_of(identifier: str) -> int:
    """The 64-bit key (BLAKE2b) by which profiles and arrays refer to a user id or item id.

    Any two of n ids collide with a probability of about n² / 2⁶⁵: 3e-4 at 100 million.
    """
    return int.from_bytes(blake2b(identifier.encode(), digest_size=8).digest(), "little")


def hash_of(user_id: str) -> str:
    """The pseudonym of a user id, for places where the id must not appear: 128-bit BLAKE2b in hexadecimal.

    >>> hash_of("u1")
    '53199585bddea28e67fe7143a42baef7'
    """
    return blake2b(user_id.encode(), digest_size=16).hexdigest()


def picture_key(embedding: bytes) -> int:
    """The 64-bit key (BLAKE2b) of a picture, by its stored vector; never 0, which stands for no picture."""
    return int.from_bytes(blake2b(embedding, digest_size=8).digest(), "little") or 1


def decay(age_ms: float, half_life_ms: float) -> float:
    """The share that remains after `age_ms`; a negative age counts as 0, since clocks differ.

    >>> decay(0, 1000), decay(2000, 1000), decay(-5, 1000)
    (1.0, 0.25, 1.0)
    """
    return float(0.5 ** (max(age_ms, 0.0) / half_life_ms))


@dataclass(frozen=True, slots=True)
class Item:
    """An item as the catalogue knows it.

    `embeddings` has a unit vector by encoder version, as little-endian float16 [dimensions]; the picture's is the
    first. An item that was changed before its picture arrived has no `owner` and no embedding yet.
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
    embeddings: Mapping[str, bytes] = field(default_factory=dict)

    def vector(self, encoder: str) -> NDArray[np.float32]:
        """The embedding of this encoder as float32 [dimensions]; raises ValueError where the item has none."""
        embedding = self.embeddings.get(encoder)
        if embedding is None:
            raise ValueError(f"item {self.item_id!r} has no embedding of encoder {encoder!r} yet")
        return np.frombuffer(embedding, dtype="<f2").astype(np.float32)


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some fields of an item; None leaves a field unchanged.

    `disown` is a different kind of change: the user with this hash no longer owns the item; its time does not matter.
    """

    at_ms: int
    title: str | None = None
    description: str | None = None
    category: str | None = None
    price: float | None = None
    in_stock: bool | None = None
    hidden: bool | None = None
    deleted: bool | None = None
    disown: str | None = None


def apply_change(item: Item | None, item_id: str, change: Change) -> Item:
    """The item after a change; an older change than the last has no effect (last writer wins)."""
    if change.disown is not None:
        return _disown(item, item_id, change)
    if item is None:
        item = Item(item_id, changed_at_ms=change.at_ms)
    elif change.at_ms < item.changed_at_ms:
        return item
    if change.deleted:
        return Item(item_id, changed_at_ms=change.at_ms, deleted=True)
    fields = ("title", "description", "category", "price", "in_stock", "hidden")
    given = {name: value for name in fields if (value := getattr(change, name)) is not None}
    # A change does not restore a deleted item; a new upload or `deleted: false` does.
    deleted = item.deleted if change.deleted is None else False
    return replace(item, changed_at_ms=change.at_ms, deleted=deleted, **given)


def _disown(item: Item | None, item_id: str, change: Change) -> Item:
    # The upload may still be on its way. This record is older than any upload, so it does not hide one.
    item = item or Item(item_id, changed_at_ms=-(2**62))
    return replace(item, owner=None) if item.owner is not None and hash_of(item.owner) == change.disown else item


def apply_upload(item: Item | None, uploaded: Item) -> Item:
    """The item after an upload: the fields of the upload, overridden by changes that are later than it."""
    if item is None or item.changed_at_ms <= uploaded.changed_at_ms:
        return uploaded
    if item.deleted or item.uploaded_at_ms > uploaded.uploaded_at_ms:
        return item
    later = {
        name: value
        for name in ("title", "description", "category", "price")
        if (value := getattr(item, name)) is not None
    }
    return replace(uploaded, changed_at_ms=item.changed_at_ms, in_stock=item.in_stock, hidden=item.hidden, **later)
