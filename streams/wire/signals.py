"""Messages of state.signals: everything that concerns an item, in the order in which the items agent applies it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from features.behaviour import USER_BITS, Engagement
from features.co_choices.choice import LINKING, WINDOW_LIMIT, Choice, Linking
from features.item import Change, Item, key_of
from features.words.item_words import ItemWords
from sightline_client.fields import ATTRIBUTE_KEY_LIMIT, ATTRIBUTE_VALUE_LIMIT, ATTRIBUTES_LIMIT
from sightline_client.parsing import UNREADABLE
from state.codec import StoredItem, from_stored, to_stored
from state.signals import partition_of
from streams.errors import InvalidEvent
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from streams.wire.topics import SIGNALS


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An item's picture was embedded. With `as_owner` it counts only where the item is new, or its owner's already."""

    item: Item
    as_owner: bool = False


class Changed(msgspec.Struct, frozen=True, tag=True):
    """Some fields of an item changed."""

    item_id: str
    change: Change


class Worded(msgspec.Struct, frozen=True, tag=True):
    """The words of an item were embedded; they count while the item says the same."""

    item_id: str
    words: ItemWords


class Engaged(msgspec.Struct, frozen=True, tag=True):
    """Engagements with items of this partition, in order, as the release before published them; read, never sent."""

    engagements: tuple[Engagement, ...]


class Reembedded(msgspec.Struct, frozen=True, tag=True):
    """A kept picture, by its SHA-256, was embedded by another encoder; None takes that encoder's vector away.

    `frames` are the key frames of a clip by that encoder, as `Clip` has them.
    """

    item_id: str
    sha256: str
    encoder: str
    embedding: bytes | None
    frames: bytes | None = None


class Chosen(msgspec.Struct, frozen=True, tag=True):
    """Choices of one micro-batch that concern items of this partition, in order, and how they link them."""

    choices: tuple[Choice, ...]
    linking: Linking = LINKING


class _StoredUpload(msgspec.Struct, frozen=True, tag="Uploaded", omit_defaults=True):
    """Uploaded on the wire."""

    item: StoredItem
    as_owner: bool = False


#: What gives an item a vector, and says nothing else of it.
Vector = Worded | Reembedded
Signal = Uploaded | Changed | Vector | Chosen | Engaged
_Wire = _StoredUpload | Changed | Vector | Chosen | Engaged

#: Choices in one message. Each takes up to about 320 bytes of the topic's limit of 1 MiB, 90 with a window of 5.
CHOSEN_LIMIT = 2048
#: Bytes of a message about one item. An item from valid events takes less than half of it. As JSON it may grow sixfold,
#: which still fits into state.catalog.
ITEM_LIMIT = 128 * 1024
#: As in sightline_client/fields.py.
_TEXT_LIMIT = 4096
_ID_LIMIT = 128

#: The state stores times as unsigned 32-bit Unix seconds; other integers must fit into signed 64 bits.
_TIME_LIMIT_MS = 2**32 * 1000
_INT64 = 2**63
#: Far above any real weight and far below the limit of float32. NaN fails the comparison.
_WEIGHT_LIMIT = 1e6

_decoder: msgspec.msgpack.Decoder[_Wire] = msgspec.msgpack.Decoder(_Wire)
_encode = msgspec.msgpack.Encoder().encode


class SignalTopic:
    """Makes messages of state.signals. The partition follows from the item, so each item has one writer."""

    def __init__(self, namespace: Namespace, partitions: int, linking: Linking = LINKING) -> None:
        self.name = namespace.topic(SIGNALS)
        self.linking = linking
        self._partitions = partitions

    def message(self, signal: Uploaded | Changed | Vector, *headers: tuple[str, bytes]) -> Message:
        """Return the message for a change of one item."""
        item_id = signal.item.item_id if isinstance(signal, Uploaded) else signal.item_id
        return self._message(partition_of(key_of(item_id), self._partitions), item_id.encode(), signal, headers)

    def messages(self, choices: Iterable[Choice]) -> list[Message]:
        """Return the messages for choices: few large ones, since each message costs its reader about the same.

        Each partition gets every choice that concerns one of its items.
        """
        grouped: dict[int, list[Choice]] = {}
        for choice in choices:
            for partition in {partition_of(item, self._partitions): None for item in choice.items()}:
                grouped.setdefault(partition, []).append(choice)
        return [
            self._message(partition, None, Chosen(tuple(each[start : start + CHOSEN_LIMIT]), self.linking))
            for partition, each in grouped.items()
            for start in range(0, len(each), CHOSEN_LIMIT)
        ]

    def _message(
        self, partition: int, key: bytes | None, signal: Signal, headers: tuple[tuple[str, bytes], ...] = ()
    ) -> Message:
        return Message(self.name, key, encode_signal(signal), headers, partition=partition)


def linking_of(settings: Settings) -> Linking:
    """How the workers with these settings link items."""
    return Linking(settings.link_window, settings.link_per_step, settings.link_backwards)


def item_id_of(key: bytes | None) -> str | None:
    """The item whose id is this key; None for a key that no item can have."""
    try:
        item_id = (key or b"").decode()
    except UnicodeDecodeError:
        return None
    return item_id if 0 < len(item_id) <= _ID_LIMIT else None


def encode_signal(signal: Signal) -> bytes:
    """The value of a signal's message."""
    return _encode(_StoredUpload(to_stored(signal.item), signal.as_owner) if isinstance(signal, Uploaded) else signal)


def parse_signal(value: bytes | None) -> Signal:
    """Parse a message of state.signals; raises InvalidEvent unless it can be applied and stored."""
    try:
        wire: _Wire = _decoder.decode(value or b"")
    except UNREADABLE as error:
        raise InvalidEvent("bad_signal", f"not a signal: {error}") from None
    signal: Signal = Uploaded(from_stored(wire.item), wire.as_owner) if isinstance(wire, _StoredUpload) else wire
    if not (isinstance(signal, Chosen | Engaged) or len(value or b"") <= ITEM_LIMIT):
        raise InvalidEvent("bad_signal", f"not a signal: over {ITEM_LIMIT} bytes about one item")
    if not _is_sound(signal):
        raise InvalidEvent("bad_signal", "not a signal: it holds a number or a text that is out of range")
    return signal


def _is_sound(signal: Signal) -> bool:
    match signal:
        case Chosen(choices=choices, linking=linking):
            return _is_sound_linking(linking) and all(map(_is_sound_choice, choices))
        case Engaged(engagements=engagements):
            return all(map(_is_sound_engagement, engagements))
        case Changed(item_id=item_id, change=change):
            return len(item_id) <= _ID_LIMIT and _is_time(change.at_ms) and _has_sound_facts(change)
        case Worded(item_id=item_id, words=words):
            return len(item_id) <= _ID_LIMIT and _has_sound_words(words)
        case Reembedded(item_id=item_id, encoder=encoder):
            vectors = [each for each in (signal.embedding, signal.frames) if each is not None]
            is_sound = all(len(each) > 0 and _is_sound_embedding(each) for each in vectors)
            return len(item_id) <= _ID_LIMIT and 0 < len(encoder) <= _ID_LIMIT and is_sound
        case Uploaded(item=item):
            return len(item.item_id) <= _ID_LIMIT and _has_sound_facts(item) and _is_sound_item(item)


def _is_sound_linking(linking: Linking) -> bool:
    return 0 <= linking.window <= WINDOW_LIMIT and 0 <= linking.per_step <= 1 and 0 <= linking.backwards <= 1


def _is_sound_choice(choice: Choice) -> bool:
    # No loop in Python: this is the hot path of the items worker.
    return len(choice.nearby) <= WINDOW_LIMIT and min(choice.nearby, default=0) >= 0 and _is_sound_effect(choice)


def _is_sound_engagement(engagement: Engagement) -> bool:
    links = engagement.links
    return _is_sound_effect(engagement) and all(item >= 0 and 0 <= weight < _WEIGHT_LIMIT for item, weight in links)


def _is_sound_effect(effect: Choice | Engagement) -> bool:
    return (
        effect.item >= 0
        and -_INT64 <= effect.at_ms < _TIME_LIMIT_MS
        and -_WEIGHT_LIMIT < effect.weight < _WEIGHT_LIMIT
        and 0 <= effect.source < _INT64
        and 0 <= effect.sequence < _INT64
        and 0 <= effect.voter < USER_BITS
    )


def _is_sound_item(item: Item) -> bool:
    if not all(map(_is_time, (item.changed_at_ms, item.uploaded_at_ms, item.new_at_ms, *item.times.values()))):
        return False
    if item.own_class is not None and not (len(item.own_class[0]) <= _TEXT_LIMIT and 0 <= item.own_class[1] <= 1):
        return False
    if item.kept_picture is not None and not item.kept_picture.is_sound:
        return False
    if item.words is not None and not _has_sound_words(item.words):
        return False
    return all(map(_is_sound_embedding, item.embeddings.values()))


def _is_sound_embedding(embedding: bytes) -> bool:
    return len(embedding) % 2 == 0 and bool(np.isfinite(np.frombuffer(embedding, "<f2")).all())


def _has_sound_words(words: ItemWords) -> bool:
    return words.is_sound and _is_sound_embedding(words.vector)


def _has_sound_facts(facts: Item | Change) -> bool:
    if facts.expires_at_ms is not None and not -_INT64 <= facts.expires_at_ms < _INT64:
        return False
    if facts.attributes is not None and not _are_sound_attributes(facts.attributes):
        return False
    texts = (facts.title, facts.description, facts.category, facts.currency)
    return all(len(text or "") <= _TEXT_LIMIT for text in texts)


def _are_sound_attributes(attributes: Mapping[str, str]) -> bool:
    return len(attributes) <= ATTRIBUTES_LIMIT and all(
        len(key) <= ATTRIBUTE_KEY_LIMIT and len(value) <= ATTRIBUTE_VALUE_LIMIT for key, value in attributes.items()
    )


def _is_time(at_ms: int) -> bool:
    return -_INT64 <= at_ms < _TIME_LIMIT_MS
