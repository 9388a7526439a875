"""Embeds the kept pictures of all items by another encoder, beside the vectors that they have."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from features.item import Item
from features.vision.decode import SQUARE
from features.vision.formats import BadImage
from features.vision.kept_picture import KeptPicture
from inference.encoders.encoder import Encoder
from inference.errors import BadEmbedding, EncoderUnavailable
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.retrying import until_available
from streams.uploads.decoder import Decode
from streams.uploads.process_pool import DecoderUnavailable
from streams.wire.records import Message
from streams.wire.signals import Reembedded, SignalTopic

#: Items whose vectors are published together.
BATCH = 64


class Publish(Protocol):
    """Publishes messages, and returns when Kafka has them."""

    def __call__(self, messages: Sequence[Message]) -> Awaitable[None]:
        """See the class."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """An item with a picture: where that is kept, if it is, and the encoders that it has vectors of."""

    item_id: str
    kept: KeptPicture | None
    encoders: tuple[str, ...]

    @classmethod
    def of(cls, item: Item) -> "Pictured | None":
        """None for an item without a picture."""
        return cls(item.item_id, item.kept_picture, tuple(item.embeddings)) if item.embeddings else None


@dataclass(frozen=True, slots=True)
class Wanting:
    """The items that lack a vector of an encoder: with a kept picture, and the ids of those without one."""

    with_picture: list[Pictured]
    without_picture: list[str]


@dataclass(slots=True)
class Outcome:
    """How many items got a vector, and why others did not, by id."""

    embedded: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def wanting(items: Iterable[Pictured], encoder: str) -> Wanting:
    """The items that have no vector of this encoder."""
    lacking = [item for item in items if encoder not in item.encoders]
    return Wanting(
        [item for item in lacking if item.kept is not None], [item.item_id for item in lacking if item.kept is None]
    )


class Reembedding:
    """Reads, decodes and encodes pictures, `at_once` at a time; waits while the encoder or the store is away.

    What was published before a crash is kept: another run goes on with the items that still lack a vector.
    """

    def __init__(
        self,
        encoder: Encoder,
        decode: Decode,
        store: PictureStore,
        signals: SignalTopic,
        publish: Publish,
        *,
        at_once: int,
        advance: Callable[[], None] = lambda: None,
    ) -> None:
        self._encoder = encoder
        self._decode = decode
        self._store = store
        self._signals = signals
        self._publish = publish
        self._room = asyncio.Semaphore(at_once)
        self._advance = advance

    async def run(self, items: Sequence[Pictured]) -> Outcome:
        """Give each of these items, which have kept pictures, a vector."""
        outcome = Outcome()
        for start in range(0, len(items), BATCH):
            found = await asyncio.gather(*(self._signal(item, outcome) for item in items[start : start + BATCH]))
            signals = [signal for signal in found if signal is not None]
            await self._publish([self._signals.message(signal) for signal in signals])
            outcome.embedded += len(signals)
        return outcome

    async def _signal(self, item: Pictured, outcome: Outcome) -> Reembedded | None:
        kept = item.kept
        assert kept is not None
        async with self._room:
            try:
                data = await until_available(lambda: self._store.read(kept.key), ObjectsUnavailable)
                picture = await until_available(lambda: self._decode(data, SQUARE), DecoderUnavailable)
                encoding = await until_available(lambda: self._encoder.encode(picture.pixels), EncoderUnavailable)
            except (ObjectMissing, BadImage, BadEmbedding) as error:
                outcome.failed[item.item_id] = str(error)
                return None
            finally:
                self._advance()
        return Reembedded(item.item_id, kept.sha256, encoding.version, encoding.embedding.astype("<f2").tobytes())


def dropping(items: Iterable[Pictured], encoder: str) -> tuple[list[Reembedded], int]:
    """What takes this encoder's vectors away, and how many items keep it: it is their only one, or nothing is kept."""
    having = [item for item in items if encoder in item.encoders]
    signals = [
        Reembedded(item.item_id, item.kept.sha256, encoder, None)
        for item in having
        if item.kept is not None and len(item.encoders) > 1
    ]
    return signals, len(having) - len(signals)
