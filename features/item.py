"""One item as the catalogue knows it, its changes, and the decay of weights with time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=65_536)
def key_of(identifier: str) -> int:
    """The 64-bit key (BLAKE2b) of a user's or item's id, as profiles and arrays hold it.

    The probability of a collision among n ids is about n² / 2⁶⁵: 3e-4 at 100 million.
    """
    return int.from_bytes(blake2b(identifier.encode(), digest_size=8).digest(), "little")


def hash_of(user_id: str) -> str:
    """The hash of a user's id, for places that must not hold the id itself: BLAKE2b, 128 bits in hexadecimal.

    >>> hash_of("u1")
    '53199585bddea28e67fe7143a42baef7'
    """
    return blake2b(user_id.encode(), digest_size=16).hexdigest()


def decay(age_ms: float, half_life_ms: float) -> float:
    """The share that is left after `age_ms`: at most 1, even where clocks disagree and the age is negative.

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
    """New values for some of an item's fields; None leaves a field as it is.

    `disown` is another kind of change: the item no longer belongs to the user with this hash, regardless of `at_ms`.
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
    """The item after a change; a change older than the item has no effect (last writer wins)."""
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
    # A change after a deletion does not bring an item back: that takes a new upload (or deleted: false).
    deleted = item.deleted if change.deleted is None else False
    return replace(item, changed_at_ms=change.at_ms, deleted=deleted, **given)


def _disown(item: Item | None, item_id: str, change: Change) -> Item:
    # An upload that arrives later than this request was made before it, and is disowned when it arrives.
    item = item or Item(item_id, changed_at_ms=-(2**62))
    return replace(item, owner=None) if item.owner is not None and hash_of(item.owner) == change.disown else item


def apply_upload(item: Item | None, uploaded: Item) -> Item:
    """The item after its picture was embedded: the upload's fields; changes made after the upload override them."""
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
