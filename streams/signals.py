"""The messages on state.signals: whatever concerns one item, in the one order in which the items agent applies it."""

from collections.abc import Sequence

import msgspec

from features.behaviour import Engagement
from features.item import Change, Item, key_of
from state.signals import partition_of
from streams.errors import InvalidEvent
from streams.output import Message
from streams.topics import SIGNALS


class Uploaded(msgspec.Struct, frozen=True, tag=True):
    """An item's picture was embedded."""

    item: Item


class Changed(msgspec.Struct, frozen=True, tag=True):
    """Some of an item's fields were changed."""

    item_id: str
    change: Change


class Engaged(msgspec.Struct, frozen=True, tag=True):
    """Users did something that concerns items of this partition: what one micro-batch brought, in its order."""

    engagements: tuple[Engagement, ...]


Signal = Uploaded | Changed | Engaged

#: Engagements in one message: each takes up to about 150 bytes of the topic's 1 MiB.
ENGAGED_LIMIT = 2048

_decoder = msgspec.msgpack.Decoder(Signal)
_encode = msgspec.msgpack.Encoder().encode


class SignalTopic:
    """Makes the topic's messages: the partition follows from the item, so each item has one writer."""

    def __init__(self, prefix: str, partitions: int) -> None:
        self.name = prefix + SIGNALS.name
        self._partitions = partitions

    def message(self, signal: Uploaded | Changed) -> Message:
        """The message of what became of one item."""
        item_id = signal.item.item_id if isinstance(signal, Uploaded) else signal.item_id
        return self._message(partition_of(key_of(item_id), self._partitions), item_id.encode(), signal)

    def messages(self, engagements: Sequence[Engagement]) -> list[Message]:
        """The messages of a micro-batch's engagements: one a partition (each costs its reader about the same)."""
        grouped: dict[int, list[Engagement]] = {}
        for engagement in engagements:
            grouped.setdefault(partition_of(engagement.item, self._partitions), []).append(engagement)
        return [
            self._message(partition, None, Engaged(tuple(each[start : start + ENGAGED_LIMIT])))
            for partition, each in grouped.items()
            for start in range(0, len(each), ENGAGED_LIMIT)
        ]

    def _message(self, partition: int, key: bytes | None, signal: Signal) -> Message:
        return Message(self.name, key, _encode(signal), partition=partition)


def parse_signal(value: bytes | None) -> Signal:
    """Parse a message of state.signals; raises InvalidEvent."""
    try:
        signal: Signal = _decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("bad_signal", f"not a signal: {error}") from None
    return signal
