"""The catalogue record of an item and its changes; also keys of ids, and exponential decay."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.vision.clips.clip import Clip
from features.vision.kept_picture import KeptPicture
from features.words.item_words import ItemWords, text_hash, text_of

#: What both uploads and changes say of an item.
FACTS: Final = ("title", "description", "category", "price", "currency", "in_stock", "expires_at_ms", "attributes")
#: What only changes say of it: no upload shows an item that was hidden or deleted, or allows one that is held.
MODERATION: Final = ("hidden", "deleted", "allowed")
#: The fields that may have no value.
CLEARABLE: Final = tuple(name for name in FACTS if name != "in_stock")
#: The fields that come from a picture's upload. They have one time, by this name.
PICTURE: Final = "picture"
_OF_A_PICTURE: Final = (
    "owner",
    "uploaded_at_ms",
    "tags",
    "colours",
    "embeddings",
    "described_at_ms",
    "kept_picture",
    "descriptors",
    "own_class",
    "clip",
    "hashes",
    "faults",
    "held",
    "copy_of",
)
#: In `Item.times`: when a deletion was taken back. What was said before is gone with it.
RESTORED: Final = "restored"
#: In `Item.times`: the time of each field that has a value and no time of its own.
_REST: Final = "*"
_NEVER_MS: Final = -(2**63)
_DEFAULTS: Final[dict[str, bool]] = {"in_stock": True, "hidden": False, "deleted": False, "allowed": False}


@lru_cache(maxsize=65_536)
def key_of(identifier: str) -> int:
    """The 64-bit key (BLAKE2b) by which profiles and arrays refer to a user id or item id.

    Any two of n ids collide with a probability of about n² / 2⁶⁵: 3e-4 at 100 million.
    """
    return _hash64(identifier.encode())


def hash_of(user_id: str) -> str:
    """The pseudonym of a user id, for places where the id must not appear: 128-bit BLAKE2b in hexadecimal.

    >>> hash_of("u1")
    '53199585bddea28e67fe7143a42baef7'
    """
    return blake2b(user_id.encode(), digest_size=16).hexdigest()


def picture_key(embedding: bytes) -> int:
    """The 64-bit key (BLAKE2b) of a picture, by its stored vector; never 0, which stands for no picture."""
    return _hash64(embedding) or 1


def _hash64(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


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
    first. An item without a picture has no `owner` and no embedding; `described_at_ms` is when it was first described,
    None with a picture, and in an item of a release before. `kept_picture` says where the picture lies, if it is kept.
    Of an item with a `clip` the embedding is that of all its key frames, and the kept picture is one of them.

    Each field has a time of its own, the last that it was said (Unix ms, docs/adr/0020). `times` has those that
    differ from `changed_at_ms`, the latest of all. A field without a value that is not in it was never said.
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
    times: Mapping[str, int] = field(default_factory=dict)
    described_at_ms: int | None = None
    kept_picture: KeptPicture | None = None
    #: The picture's classic descriptors (`features.vision.descriptors.packed`), of any version; None without them.
    descriptors: bytes | None = None
    #: By any key, such as its brand; said as a whole, and never empty (docs/adr/0041).
    attributes: Mapping[str, str] | None = None
    #: The picture's class of the deployment's own ones (docs/classes.md), and how sure that is, 0 to 1; None: not sure.
    own_class: tuple[str, float] | None = None
    clip: Clip | None = None
    #: The vector of its title and description; None without them, and until they are embedded.
    words: ItemWords | None = None
    #: The hashes by which copies are found (`features.vision.gate.picture_hash` and `clip_hashes`): of a copy those of
    #: the picture or clip that it is a copy of.
    hashes: bytes | None = None
    #: What the gate found in the picture, and for which of it the item is held until a person allows it.
    faults: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    #: The item of another owner that has this picture, as far as was known at the upload.
    copy_of: str | None = None
    #: Whether a person allowed what is held; it holds for the pictures that were uploaded before.
    allowed: bool = False

    @property
    def text(self) -> str:
        """What it says in words, as it is embedded; empty where it says nothing."""
        return text_of(self.title, self.description)

    @property
    def is_held(self) -> bool:
        """Whether the item waits for a person's yes: it is in no list and no answer (docs/adr/0038)."""
        if not self.held or not self.allowed:
            return bool(self.held)
        times = _times(self)
        # Also by the time of the broker: who dates an upload back does not get a yes that was said of another picture.
        return times["allowed"] < max(times.get(PICTURE, _NEVER_MS), self.uploaded_at_ms)

    @property
    def is_described(self) -> bool:
        """Whether anything but moderation was said of the item: only then it is in the catalogue (docs/adr/0029)."""
        return not _times(self).keys().isdisjoint((*FACTS, PICTURE))

    def is_closed_to(self, user: str | None) -> bool:
        """Whether an upload by this user would take it over. What only moderation names, or forgot, is still free."""
        return self.owner != user and (self.owner is not None or self.is_described or self.deleted)

    @property
    def new_at_ms(self) -> int:
        """Since when a described item is new: the upload of its picture, or its first description before one."""
        if self.uploaded_at_ms:
            return self.uploaded_at_ms
        return self.changed_at_ms if self.described_at_ms is None else self.described_at_ms

    @property
    def restored(self) -> bool:
        """Whether the item was deleted once, and its deletion taken back."""
        return RESTORED in self.times

    @property
    def known_category(self) -> str | None:
        """The category: what was said, else the picture's own class."""
        if self.category is None and self.own_class is not None:
            return self.own_class[0]
        return self.category

    def vector(self, encoder: str) -> NDArray[np.float32]:
        """The embedding of this encoder as float32 [dimensions]; raises ValueError where the item has none."""
        embedding = self.embeddings.get(encoder)
        if embedding is None:
            raise ValueError(f"item {self.item_id!r} has no embedding of encoder {encoder!r} yet")
        return np.frombuffer(embedding, dtype="<f2").astype(np.float32)


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some fields of an item; None leaves a field unchanged, and `cleared` names those to be emptied.

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
    currency: str | None = None
    expires_at_ms: int | None = None
    allowed: bool | None = None
    #: Releases before this field sent None for what a change does not say, so None cannot empty a field.
    cleared: tuple[str, ...] = ()
    attributes: Mapping[str, str] | None = None

    def says(self) -> dict[str, Any]:
        """The new values by field. A cleared field that this release does not know is left out."""
        given = {name: value for name in (*FACTS, *MODERATION) if (value := getattr(self, name)) is not None}
        return given | {name: None for name in self.cleared if name in CLEARABLE}


def apply_change(item: Item | None, item_id: str, change: Change) -> Item:
    """The item after a change: for each field the last writer wins. A deletion stays until a change takes it back."""
    if change.disown is not None:
        return _disown(item, item_id, change)
    item = item or Item(item_id, changed_at_ms=change.at_ms)
    times, described_ms = _times(item), item.new_at_ms if item.is_described else change.at_ms
    says = {name: value for name, value in change.says().items() if _is_news(times, name, change.at_ms)}
    if says.get("deleted", item.deleted):
        says = {name: value for name, value in says.items() if name in MODERATION}
    if says.get("deleted"):
        item, times = _erased(item), {name: at_ms for name, at_ms in times.items() if name == "hidden"}
    elif item.deleted and "deleted" in says:
        times[RESTORED] = change.at_ms
    item = _say(item, says, times | dict.fromkeys(says, change.at_ms)) if says else item
    return _describe(item, change, min(described_ms, change.at_ms))


def apply_upload(item: Item | None, uploaded: Item) -> Item:
    """The item after an upload: what it says is set unless something later is known. A deleted item stays deleted."""
    if item is None:
        return uploaded
    if item.deleted:
        return item
    times = _times(item)
    news = {
        name: at_ms
        for name, at_ms in _times(uploaded).items()
        if name in (*FACTS, PICTURE) and _is_news(times, name, at_ms)
    }
    names = [name for name in news if name != PICTURE] + list(_OF_A_PICTURE if PICTURE in news else ())
    return _say(item, {name: getattr(uploaded, name) for name in names}, times | news) if news else item


def apply_words(item: Item | None, words: ItemWords) -> Item | None:
    """The item with the vector of its words, unless it says other words by now."""
    if item is None or not item.text or words.text != text_hash(item.text):
        return item
    return replace(item, words=words)


def apply_embedding(
    item: Item | None, sha256: str, encoder: str, embedding: bytes | None, frames: bytes | None = None
) -> Item | None:
    """The item with one more vector of its picture, or without that of an encoder (None); the first one stays first.

    `frames` are those of its clip by this encoder, and go with the vector. Nothing changes if its picture is another
    one by now, and the only vector is not taken away.
    """
    if item is None or item.kept_picture is None or item.kept_picture.sha256 != sha256:
        return item
    clip = item.clip
    if embedding is not None:
        changed = {**item.embeddings, encoder: embedding}
        clip = clip.with_frames(encoder, frames) if clip is not None and frames is not None else clip
    else:
        changed = {name: each for name, each in item.embeddings.items() if name != encoder}
        clip = None if clip is None else clip.without(encoder)
    is_news = changed and (changed, clip) != (item.embeddings, item.clip)
    return replace(item, embeddings=changed, clip=clip) if is_news else item


def _disown(item: Item | None, item_id: str, change: Change) -> Item:
    # The upload may still be on its way. This record is older than any upload, so it does not hide one.
    item = item or Item(item_id, changed_at_ms=-(2**62))
    return replace(item, owner=None) if item.owner is not None and hash_of(item.owner) == change.disown else item


def _describe(item: Item, change: Change, at_ms: int) -> Item:
    """The item as described since a time, if the change describes it, be it news or not, and it has no picture."""
    is_late = change.at_ms < item.times.get(RESTORED, _NEVER_MS)
    if item.deleted or is_late or _has_value(item, PICTURE) or change.says().keys().isdisjoint(FACTS):
        return item
    return replace(item, described_at_ms=at_ms)


def _erased(item: Item) -> Item:
    # A hidden item that is deleted and comes back is still hidden.
    return Item(item.item_id, item.changed_at_ms, hidden=item.hidden)


def _is_news(times: Mapping[str, int], name: str, at_ms: int) -> bool:
    """Whether something said of a field is no older than what is known of it, and not gone with a deletion."""
    since_ms = _NEVER_MS if name in MODERATION else times.get(RESTORED, _NEVER_MS)
    return at_ms >= max(times.get(name, _NEVER_MS), since_ms)


def _say(item: Item, values: Mapping[str, Any], times: Mapping[str, int]) -> Item:
    """The item with these values, and with the time of every field; the times are kept in their one shortest form."""
    changed_at_ms = max(times.values())
    item = replace(item, **values, changed_at_ms=changed_at_ms, times={})
    if item.words is not None and item.words.text != text_hash(item.text):
        item = replace(item, words=None)
    with_value = Counter(at_ms for name, at_ms in times.items() if _has_value(item, name))
    rest = max(with_value, key=lambda at_ms: (with_value[at_ms], at_ms), default=changed_at_ms)
    own = {name: at_ms for name, at_ms in sorted(times.items()) if at_ms != rest or not _has_value(item, name)}
    return replace(item, times=own if rest == changed_at_ms else {_REST: rest, **own})


def _times(item: Item) -> dict[str, int]:
    """When each field was said; a field that never was is not in it."""
    rest = item.times.get(_REST, item.changed_at_ms)
    times = {name: rest for name in (*FACTS, *MODERATION, PICTURE) if _has_value(item, name)}
    return times | {name: at_ms for name, at_ms in item.times.items() if name != _REST}


def _has_value(item: Item, name: str) -> bool:
    if name == PICTURE:
        return item.uploaded_at_ms != 0 or bool(item.embeddings)
    # A later release may say what this one does not know: it is kept among the times, and has no value here.
    return name != RESTORED and getattr(item, name, None) != _DEFAULTS.get(name)
