"""A map is judged by photos that it was not fitted on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.words.measure import Words
from benchmarks.retrieval.words.title_map import measure_map
from features.words.item_words import DIMENSIONS
from inference.words.title_map import LEAST_ITEMS

KINDS, EACH = 8, 60
_NAMES = [f"kind {number}" for number in range(KINDS)]


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """The n-th kind is the n-th axis, all else the last."""
    places = [_NAMES.index(text) if text in _NAMES else DIMENSIONS - 1 for text in texts]
    return np.eye(DIMENSIONS, dtype=np.float32)[places]


def photos() -> Words:
    """Photos whose look says their kind, and in which the same is seen."""
    texts = [name for name in _NAMES for _ in range(EACH)]
    looks = np.repeat(np.eye(16, dtype=np.float32)[:KINDS], EACH, axis=0)
    seen = np.tile(np.eye(DIMENSIONS, dtype=np.float32)[100], (len(texts), 1))
    colours = np.tile(np.eye(17, dtype=np.float32)[:2], (len(texts) // 2, 1))
    return Words(looks, looks, seen, colours, embed(texts), texts, np.array(texts))


def test_a_map_finds_kinds_that_it_knows_and_not_those_that_it_does_not() -> None:
    assert KINDS * EACH / 2 > LEAST_ITEMS
    found = {
        each.left_out: each for each in measure_map(photos(), {"words": photos().said}, embed) if each.looks == "raw"
    }
    known, few, unknown = found.values()
    assert (known.mapped, known.joined, few.joined) == (1, 1, 1)
    assert known.seen < 0.5
    assert unknown.mapped < 0.5
    assert (known.fit.fitting, known.fit.foreign) == (1, 0)
