"""What a map learned from titles adds where pictures have no words: on other photos, and on kinds without a title."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.words.fitting import Fit, measure_fit
from benchmarks.retrieval.words.measure import Embed, Matrix, Words, p_at_10
from features.words.item_words import LEAST_FIT
from inference.words.pictures import SEEN_LENGTH
from inference.words.title_map import LEAST_ITEMS, TitleMap

#: Halves of the kinds that are left out.
_DRAWS: Final = 6

Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mapped:
    """P@10 of the words by what is `seen` in photos that a map was not fitted on, by the map alone, and by both.

    `fit` is by both at LEAST_FIT. `titles` are what the map was fitted on, `looks` the vectors of the photos.
    """

    titles: str
    looks: str
    left_out: str
    seen: float
    mapped: float
    joined: float
    fit: Fit


def measure_map(photos: Words, titles: Mapping[str, Matrix], embed: Embed) -> list[Mapped]:
    """By each kind of title [n, DIMENSIONS], with each of SPLITS."""
    return [
        _measured(photos, texts, name, looks, left_out, embed)
        for name, texts in titles.items()
        for looks in ("look", "raw")
        for left_out in SPLITS
    ]


def _measured(photos: Words, texts: Matrix, name: str, looks: str, left_out: str, embed: Embed) -> Mapped:
    vectors: Matrix = getattr(photos, looks)
    found, fits = [], []
    for fitted, tested in SPLITS[left_out](photos):
        others = _some(photos, tested)
        title_map = TitleMap.fit(vectors[fitted], texts[fitted])
        if title_map is None:
            joined = mapped = others.seen
        else:
            mapped = title_map.read(vectors[tested])
            joined = title_map.joined(others.seen, vectors[tested])
            mapped = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
        found.append([p_at_10(others, each) for each in (others.seen, mapped, joined)])
        by = {fit.least: fit for fit in measure_fit(SEEN_LENGTH * joined, others.texts, embed)}
        fits.append([by[LEAST_FIT].fitting, by[LEAST_FIT].foreign, by[LEAST_FIT].found])
    seen, mapped_p, joined_p = np.mean(found, axis=0).round(4).tolist()
    fit = Fit(LEAST_FIT, *np.mean(fits, axis=0).round(4).tolist())
    return Mapped(name, looks, left_out, seen, mapped_p, joined_p, fit)


def halves(photos: Words) -> Iterator[tuple[Rows, Rows]]:
    """Photos that follow each other are often of one series: a half at random would know each series."""
    first = np.zeros(len(photos.labels), np.bool_)
    for label in np.unique(photos.labels):
        rows = np.flatnonzero(photos.labels == label)
        first[rows[: len(rows) // 2]] = True
    yield from ((first, ~first), (~first, first))


def _few(photos: Words) -> Iterator[tuple[Rows, Rows]]:
    for seed, (half, others) in enumerate(halves(photos)):
        few = np.zeros_like(half)
        few[np.random.default_rng(seed).permutation(np.flatnonzero(half))[:LEAST_ITEMS]] = True
        yield few, others


def _kinds(photos: Words) -> Iterator[tuple[Rows, Rows]]:
    for seed in range(_DRAWS):
        kinds = np.random.default_rng(seed).permutation(np.unique(photos.texts))
        fitted = np.isin(photos.texts, kinds[: len(kinds) // 2])
        yield fitted, ~fitted


#: What is left out: photos of the same things, all photos but the fewest that are enough, or half of the kinds. Each
#: gives which photos the map is fitted on, and by which it is judged.
SPLITS: Final[dict[str, Callable[[Words], Iterator[tuple[Rows, Rows]]]]] = {
    "half of the photos": halves,
    f"all but {LEAST_ITEMS}": _few,
    "half of the kinds": _kinds,
}


def _some(photos: Words, rows: Rows) -> Words:
    texts = [text for text, kept in zip(photos.texts, rows.tolist(), strict=True) if kept]
    columns = {name: getattr(photos, name)[rows] for name in ("look", "raw", "seen", "said", "labels")}
    return replace(photos, texts=texts, **columns)
