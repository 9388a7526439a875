"""The features of pictures by their bytes, kept for a picture that comes again: redelivered, or another item's."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.vision.clips.clip import Clip
from features.vision.gate.judge import NOT_JUDGED, Judged
from features.vision.kept_picture import KeptPicture
from inference.encoders.encoder import Encoding
from streams.metrics import DUPLICATES

#: Pictures whose features are kept: about 2.9 kB each, with 256 dimensions, and up to 17 kB more of a clip.
KEPT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """What an item takes from its picture; `colours` are (name, share of the subject), the largest first.

    Those of a clip are of all its key frames, and `clip` has the frames themselves.
    """

    encoding: Encoding
    colours: tuple[tuple[str, float], ...]
    kept: KeptPicture | None = None
    descriptors: bytes | None = None
    judged: Judged = NOT_JUDGED
    clip: Clip | None = None

    @property
    def vectors(self) -> NDArray[np.float32]:
        """What to search with, float32 [n ≥ 1, dimensions]: the embedding, and those of a clip's frames."""
        own = self.encoding.embedding[None]
        return own if self.clip is None else np.concatenate((own, self.clip.vectors(own.shape[1], self.clip.encoder)))


class EncodingCache:
    """The features of the pictures used last, by the sha256 of what they come from and the encoder's version.

    A refusal is not kept: the machine may be less busy later, or the model repaired.
    """

    def __init__(self, limit: int = KEPT_LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[bytes, str], PictureFeatures] = OrderedDict()
        self._computing: dict[tuple[bytes, str], asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def get_or_compute(
        self, sha256: bytes, version: str, compute: Callable[[], Awaitable[PictureFeatures]], *, keep: bool
    ) -> PictureFeatures:
        """The features of a picture by this version of the encoder, kept or computed; raises what `compute` raises.

        While they are computed, the same picture waits for them. Without `keep` the result is not kept.
        """
        key = (sha256, version)
        while (done := self._computing.get(key)) is not None:
            await done.wait()
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            DUPLICATES.labels("picture").inc()
            return kept
        done = self._computing[key] = asyncio.Event()
        try:
            computed = await compute()
            if keep:
                self._keep(key, computed)
        finally:
            del self._computing[key]
            done.set()
        return computed

    def _keep(self, key: tuple[bytes, str], features: PictureFeatures) -> None:
        self._kept[key] = features
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
