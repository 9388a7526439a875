"""The pictures of items as training takes them: of one encoder, as rows."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from features.item import Item


def pictures_of(
    items: Iterable[str], known: Mapping[str, Item], dimensions: int
) -> tuple[str | None, NDArray[np.float16]]:
    """The encoder of most known items, and the vectors of these items by it, float16 [n, dimensions]; zeros: none.

    Where no known item has a vector of these dimensions, the encoder is None, and the vectors are [n, 0].
    """
    size = 2 * dimensions
    found = Counter(name for item in known.values() for name, each in item.embeddings.items() if len(each) == size)
    encoder = found.most_common(1)[0][0] if found else None
    rows = [
        known[item].embeddings.get(encoder, b"") if encoder is not None and item in known else b"" for item in items
    ]
    pictures = np.zeros((len(rows), dimensions if encoder else 0), np.float16)
    for number, embedding in enumerate(rows):
        if len(embedding) == size:
            pictures[number] = np.frombuffer(embedding, "<f2")
    return encoder, pictures
