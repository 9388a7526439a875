"""What stands for the words of a picture that has none: the names of what the network sees in it, and its colours.

ConSE (Norouzi et al. 2014, arXiv:1312.5650): the mean of the names' vectors, weighted by their probabilities. The mean
of its colours' vectors, weighted by their shares, is added with a smaller weight.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.vision.colours import COLOUR_NAMES
from features.words.item_words import VERSION

#: `python -m benchmarks.retrieval.words.class_words` writes it.
TABLE: Final = Path(__file__).with_name("class_words.npz")
#: Of all colours together, beside all names together.
COLOUR_WEIGHT: Final = 0.5
#: The length of a vector that stands for words, beside 1 of one of words: what is seen in a picture is less sure than
#: what somebody says, and its cosines are larger. One of 0.45 means as much as one of 0.35 (docs/words.md).
SEEN_LENGTH: Final = 0.78


class _Table(NamedTuple):
    """The row of each name in `vectors`, float32 [names, DIMENSIONS]: ImageNet's classes and COLOUR_NAMES."""

    rows: dict[str, int]
    vectors: NDArray[np.float32]


def said_vector(item: Item) -> bytes | None:
    """The vector of an item's words, as little-endian float16 [DIMENSIONS]; None where it says nothing readable."""
    if item.words is not None and item.words.version == VERSION and item.words.vector:
        return item.words.vector
    return None


def item_vector(item: Item) -> bytes | None:
    """The vector of an item's words, or SEEN_LENGTH of what stands for them, as little-endian float16 [DIMENSIONS].

    None where it says nothing that can be read, and has no picture in which something is recognised.
    """
    said = said_vector(item)
    if said is not None:
        return said
    found = picture_vector(item.tags, item.colours)
    return None if found is None else (np.float32(SEEN_LENGTH) * found).astype("<f2").tobytes()


def picture_vector(
    tags: Sequence[tuple[str, float]], colours: Sequence[tuple[str, float]]
) -> NDArray[np.float32] | None:
    """The unit vector float32 [DIMENSIONS] for ImageNet names with probabilities, and colours with shares.

    None without a known name: a colour alone says too little.
    """
    seen = _mean(tags)
    if seen is None:
        return None
    painted = _mean([each for each in colours if each[0] in COLOUR_NAMES])
    both = seen if painted is None else seen + np.float32(COLOUR_WEIGHT) * painted
    unit: NDArray[np.float32] = both / np.linalg.norm(both)
    return unit


def _mean(named: Sequence[tuple[str, float]]) -> NDArray[np.float32] | None:
    """The mean of the names' vectors by their weights; None where no name is known."""
    table = _table()
    known = [(table.rows[name], weight) for name, weight in named if name in table.rows and weight > 0]
    if not known:
        return None
    weights = np.array([weight for _, weight in known], np.float32)
    mean: NDArray[np.float32] = weights / weights.sum() @ table.vectors[[row for row, _ in known]]
    return mean


@cache
def _table() -> _Table:
    with np.load(TABLE) as stored:
        names, vectors = stored["names"].tolist(), stored["vectors"].astype(np.float32)
    return _Table({name: row for row, name in enumerate(names)}, vectors)
