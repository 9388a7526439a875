"""What was seen in pictures, kept for when the same bytes come again: uploaded anew, redelivered, another item's."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from inference.encoders.triton import Encoding
from streams.metrics import DUPLICATES

#: About 2 kB each, with 256 dimensions.
LOOKS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """What an item has of its picture; `colours` are (name, share of the subject), the largest first."""

    encoding: Encoding
    colours: tuple[tuple[str, float], ...]


class EncodingCache:
    """The looks of the pictures that came last, by the sha256 of their bytes and the encoder's version.

    A refusal is not kept: another time the machine may be less busy, or the model mended.
    """

    def __init__(self, limit: int = LOOKS_KEPT) -> None:
        self._limit = limit
        self._looks: OrderedDict[tuple[bytes, str], PictureFeatures] = OrderedDict()
        self._under_way: dict[tuple[bytes, str], asyncio.Event] = {}

    def __len__(self) -> int:
        return len(self._looks)

    async def look(
        self, sha256: bytes, version: str, see: Callable[[], Awaitable[PictureFeatures]], *, keep: bool
    ) -> PictureFeatures:
        """The picture's look as this version of the encoder has it, kept or seen now; raises what `see` raises.

        While one picture is being seen, the same one waits for it. Without `keep` nothing of it stays here.
        """
        key = (sha256, version)
        while (ended := self._under_way.get(key)) is not None:
            await ended.wait()
        if (known := self._looks.get(key)) is not None:
            self._looks.move_to_end(key)
            DUPLICATES.labels("picture").inc()
            return known
        ended = self._under_way[key] = asyncio.Event()
        try:
            seen = await see()
            if keep:
                self._keep(key, seen)
        finally:
            del self._under_way[key]
            ended.set()
        return seen

    def _keep(self, key: tuple[bytes, str], look: PictureFeatures) -> None:
        self._looks[key] = look
        if len(self._looks) > self._limit:
            self._looks.popitem(last=False)
