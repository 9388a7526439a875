"""A tower that knows a few words: each is an axis, and a text is the mean of those that it has."""

import numpy as np
from numpy.typing import NDArray

from features.words.item_words import DIMENSIONS, VERSION, ItemWords, text_hash

KNOWN = ("red", "blue", "shirt", "shoe", "milk")


def meaning(text: str) -> NDArray[np.float32] | None:
    """The unit vector float32 [DIMENSIONS] of a text; None where no word is known."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[: len(KNOWN)] = [text.lower().count(word) for word in KNOWN]
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else None


def words(text: str, *, version: str = VERSION) -> ItemWords:
    """What is kept of an item with this text."""
    vector = meaning(text)
    return ItemWords(version, text_hash(text), b"" if vector is None else vector.astype("<f2").tobytes())


class FakeTower:
    """Embeds by `meaning`, and remembers what it was asked; raises `failure` while there is one, `times` times."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.times = 0

    async def embed(self, text: str) -> NDArray[np.float32] | None:
        self.asked.append(text)
        if self.failure is not None and self.times:
            self.times -= 1
            raise self.failure
        return meaning(text)
