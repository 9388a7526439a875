"""Embeds the kept pictures of all items by another encoder, beside the vectors that they have."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.vision.decode import STRIP, Wanted
from features.vision.formats import BadImage
from features.vision.kept_picture import KeptPicture
from inference.encoders.encoder import Encoder
from inference.encoders.pooling import pooled
from inference.errors import BadEmbedding, EncoderUnavailable
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.processing.together import together
from streams.reembedding.pace import Pace
from streams.retrying import until_available
from streams.uploads.decoder import Decode
from streams.uploads.process_pool import DecoderUnavailable
from streams.wire.records import Message
from streams.wire.signals import Reembedded, SignalTopic

#: Signals that are published together where nothing is computed for them.
BATCH = 64
_PICTURE: Final = Wanted(described=False)
#: Publishes messages, and returns when Kafka has them.
Publish: TypeAlias = Callable[[Sequence[Message]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pictured:
    """An item with a picture or clip: where that is kept, if it is, and the encoders that it has vectors of."""

    item_id: str
    kept: KeptPicture | None
    encoders: tuple[str, ...]
    is_clip: bool = False

    @classmethod
    def of(cls, item: Item) -> "Pictured | None":
        """None for an item without a picture."""
        if not item.embeddings:
            return None
        return cls(item.item_id, item.kept_picture, tuple(item.embeddings), item.clip is not None)


@dataclass(frozen=True, slots=True)
class Wanting:
    """The items that lack a vector of an encoder: with a kept picture, and the ids of those without one."""

    with_picture: list[Pictured]
    without_picture: list[str]


@dataclass(slots=True)
class Outcome:
    """How many items got a vector, and why others did not, by id.

    The clips in `by_one_frame` have the vector of the one frame that is kept as their picture: their key frames are not
    kept, or cannot be read, and then `broken_frames` says why.
    """

    embedded: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    by_one_frame: list[str] = field(default_factory=list)
    broken_frames: dict[str, str] = field(default_factory=dict)


def wanting(items: Iterable[Pictured], encoder: str) -> Wanting:
    """The items that have no vector of this encoder."""
    lacking = [item for item in items if encoder not in item.encoders]
    return Wanting(
        [item for item in lacking if item.kept is not None], [item.item_id for item in lacking if item.kept is None]
    )


class Reembedding:
    """Reads, decodes and encodes pictures, `at_once` at a time; waits while the encoder or the store is away.

    Each vector is published by itself: many at once would hold up the lists of the workers that take them in. What was
    published before a crash is kept: another run goes on with the items that still lack a vector.
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
        pace: Pace,
        advance: Callable[[], None] = lambda: None,
    ) -> None:
        self._encoder = encoder
        self._decode = decode
        self._store = store
        self._signals = signals
        self._publish = publish
        self._at_once = at_once
        self._pace = pace
        self._advance = advance

    async def run(self, items: Sequence[Pictured]) -> Outcome:
        """Give each of these items, which have kept pictures, a vector."""
        outcome, left = Outcome(), iter(items)
        await together(self._work(left, outcome) for _ in range(self._at_once))
        return outcome

    async def _work(self, left: Iterator[Pictured], outcome: Outcome) -> None:
        for item in left:
            await self._pace.turn()
            try:
                signal = await self._signal(item, outcome)
            except (ObjectMissing, BadImage, BadEmbedding) as error:
                outcome.failed[item.item_id] = str(error)
            else:
                await self._publish([self._signals.message(signal)])
                outcome.embedded += 1
                if item.is_clip and signal.frames is None:
                    outcome.by_one_frame.append(item.item_id)
            self._advance()

    async def _signal(self, item: Pictured, outcome: Outcome) -> Reembedded:
        kept = item.kept
        assert kept is not None
        frames = await self._frames(item.item_id, kept, outcome) if item.is_clip else None
        shown = await self._views(kept.key, _PICTURE) if frames is None else frames
        encodings = await until_available(lambda: self._encoder.encode_all(shown), EncoderUnavailable)
        vectors = [each.embedding.astype("<f2").tobytes() for each in (pooled(encodings), *encodings)]
        of_frames = None if frames is None else b"".join(vectors[1:])
        return Reembedded(item.item_id, kept.sha256, encodings[0].version, vectors[0], of_frames)

    async def _frames(self, item_id: str, kept: KeptPicture, outcome: Outcome) -> NDArray[np.uint8] | None:
        """The key frames of a clip, uint8 [n, 224, 224, 3].

        None where they are not kept, as before docs/adr/0060, or cannot be read, which is noted.
        """
        try:
            return await self._views(kept.frames, STRIP)
        except ObjectMissing:
            return None
        except BadImage as error:
            outcome.broken_frames[item_id] = str(error)
            return None

    async def _views(self, key: str, wanted: Wanted) -> NDArray[np.uint8]:
        """The views of a kept file, uint8 [n, 224, 224, 3]; raises ObjectMissing, BadImage."""
        data = await until_available(lambda: self._store.read(key), ObjectsUnavailable)
        return (await until_available(lambda: self._decode(data, wanted), DecoderUnavailable)).views


def dropping(items: Iterable[Pictured], encoder: str) -> tuple[list[Reembedded], int]:
    """What takes this encoder's vectors away, and how many items keep it: it is their only one, or nothing is kept."""
    having = [item for item in items if encoder in item.encoders]
    signals = [
        Reembedded(item.item_id, item.kept.sha256, encoder, None)
        for item in having
        if item.kept is not None and len(item.encoders) > 1
    ]
    return signals, len(having) - len(signals)
