"""How good a fitted map is for pictures that it was not fitted on: other photos, other kinds, other domains."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.intervals import Interval
from benchmarks.retrieval.compared import found_first, gain, hits
from benchmarks.retrieval.ways import Matrix
from inference.encoders.look.fit import Labelled
from inference.encoders.look.projection import Projection, unit

#: P@5 needs as many other pictures of a label.
DEPTH = 5
#: Unit embeddings of pictures.
Embed = Callable[[Labelled], Matrix]
Fit = Callable[[Sequence[Labelled]], Embed]


@dataclass(frozen=True, slots=True)
class Verdict:
    """P@5 of `ours` and of each rival by name, and what ours gains over it, with its interval over the photos.

    `r_at_1`: photos whose nearest catalogue picture has their label; empty without such pictures.
    """

    test: str
    photos: int
    p_at_5: dict[str, float]
    gains: dict[str, Interval]
    r_at_1: dict[str, float]


@dataclass(slots=True)
class _Sums:
    """A figure of each photo, summed over the splits that it was left out of."""

    total: NDArray[np.float64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, photos: int) -> "_Sums":
        return cls(np.zeros(photos), np.zeros(photos, np.int64))

    def add(self, rows: NDArray[np.bool_], values: NDArray[np.float64]) -> None:
        self.total[rows] += values
        self.count[rows] += 1

    def means(self) -> NDArray[np.float64]:
        there = self.count > 0
        means: NDArray[np.float64] = self.total[there] / self.count[there]
        return means


@dataclass(slots=True)
class _Tally:
    near: dict[str, _Sums] = field(default_factory=dict)
    first: dict[str, _Sums] = field(default_factory=dict)


def raw(pictures: Labelled) -> Matrix:
    """The network's pooled features, which were fitted on no pictures of ours."""
    return unit(pictures.pooled)


def by_map(projection: Projection, pictures: Labelled) -> Matrix:
    """Their embeddings by a map of the features that they have."""
    return projection.embed(pictures.features, pictures.pooled)


def judge(
    test: str,
    fit: Fit,
    data: Labelled,
    splits: Iterator[NDArray[np.bool_]],
    *,
    beside: Sequence[Labelled] = (),
    rivals: Mapping[str, Embed],
    fitted_alike: Mapping[str, Fit] = MappingProxyType({}),
) -> Verdict:
    """Fit on the rows of each split and on the sets `beside`; judge by the photos of the other rows.

    `rivals` were fitted on none of these pictures, those `fitted_alike` are fitted on the same as ours.
    Where the split leaves catalogue pictures out, only the photos of their labels count.
    """
    tally = _Tally()
    for fitted in splits:
        sets = [each for each in (data.some(fitted), *beside) if len(each.labels)]
        alike = {name: each(sets) for name, each in fitted_alike.items()}
        _add(tally, data, _tested(data, fitted), {"ours": fit(sets), **rivals, **alike})
    near = {name: sums.means() for name, sums in tally.near.items()}
    gains = {name: gain(near["ours"], near[name]) for name in (*rivals, *fitted_alike)}
    firsts = {name: round(float(sums.means().mean()), 4) for name, sums in tally.first.items()}
    means = {name: round(float(each.mean()), 4) for name, each in near.items()}
    return Verdict(test, len(near["ours"]), means, gains, firsts)


def _tested(data: Labelled, fitted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows = ~fitted & ~data.shown
    left_out = data.labels[data.shown & ~fitted]
    return (rows & np.isin(data.labels, left_out)) if len(left_out) else rows


def _add(tally: _Tally, data: Labelled, rows: NDArray[np.bool_], ways: Mapping[str, Embed]) -> None:
    photos, shown = data.some(rows), data.some(data.shown)
    for name, embed in ways.items():
        embeddings = embed(photos)
        near = tally.near.setdefault(name, _Sums.of(len(rows)))
        near.add(rows, hits(embeddings, photos.labels, DEPTH))
        if len(shown.labels):
            first = tally.first.setdefault(name, _Sums.of(len(rows)))
            first.add(rows, found_first(embeddings, photos.labels, embed(shown), shown.labels))


def nothing(data: Labelled) -> Iterator[NDArray[np.bool_]]:
    """No picture: what was fitted on others is judged."""
    yield np.zeros(len(data.labels), bool)


def by_group(groups: NDArray[np.generic], splits: int, seed: int = 0) -> Iterator[NDArray[np.bool_]]:
    """Half of the groups, such as people or labels: no group is on both sides."""
    for number in range(splits):
        names = np.random.default_rng(seed + number).permutation(np.unique(groups))
        yield np.isin(groups, names[: len(names) // 2])


def by_order(data: Labelled) -> Iterator[NDArray[np.bool_]]:
    """The first half of each label's photos, then the second; catalogue pictures are in both.

    Photos that follow each other are often of one series: a half at random would know each series.
    """
    first = data.shown.copy()
    for label in np.unique(data.labels):
        photos = np.flatnonzero((data.labels == label) & ~data.shown)
        first[photos[: len(photos) // 2]] = True
    yield first
    yield ~first | data.shown


def without_half_the_catalogue(data: Labelled, seed: int = 0) -> Iterator[NDArray[np.bool_]]:
    """As `by_order`, without the catalogue pictures of half of the labels, then of the other half."""
    labels = np.unique(data.labels)
    half = np.isin(data.labels, np.random.default_rng(seed).permutation(labels)[: len(labels) // 2])
    for rows, left_out in zip(by_order(data), (half, ~half), strict=True):
        yield rows & ~(data.shown & left_out)
