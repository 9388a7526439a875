"""The messages on state.signals: whatever concerns one item, in the one order in which the items agent applies it."""

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
    """A user did something that concerns the item."""

    engagement: Engagement


Signal = Uploaded | Changed | Engaged

_decoder = msgspec.msgpack.Decoder(Signal)
_encode = msgspec.msgpack.Encoder().encode


class SignalTopic:
    """Makes the topic's messages: the partition follows from the item, so each item has one writer."""

    def __init__(self, prefix: str, partitions: int) -> None:
        self.name = prefix + SIGNALS.name
        self._partitions = partitions

    def message(self, signal: Signal) -> Message:
        """The message of one signal."""
        match signal:
            case Engaged(engagement=engagement):
                key, name = engagement.item, f"{engagement.item:016x}"
            case Uploaded(item=Item(item_id=name)) | Changed(item_id=name):
                key = key_of(name)
        return Message(self.name, name.encode(), _encode(signal), partition=partition_of(key, self._partitions))


def parse_signal(value: bytes | None) -> Signal:
    """Parse a message of state.signals; raises InvalidEvent."""
    try:
        signal: Signal = _decoder.decode(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("bad_signal", f"not a signal: {error}") from None
    return signal
