"""How certain it is which catalogue picture a shelf photo shows: fitted on some products, judged by others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference.encoders.look.fit import Labelled
from inference.encoders.look.projection import Projection
from inference.identity import CALIBRATION, Calibration

Values: TypeAlias = NDArray[np.float64]

_BINS: Final = 10
_STEPS: Final = 50
#: Of so many photos the catalogue lacks one's article.
_LACKING_OF: Final = 4
#: So little of a ridge that it matters only where a line divides right from wrong.
_RIDGE: Final = 1e-3
#: Certainties from which on an article is named.
LEASTS: Final = (0.5, 0.7, 0.9)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Of photos [n] the cosine of the nearest catalogue picture and of the second, and whether the first is right."""

    best: Values
    second: Values
    is_right: NDArray[np.bool_]

    def joined(self, other: "Pairs") -> "Pairs":
        """These and others."""
        return Pairs(
            np.concatenate([self.best, other.best]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.is_right, other.is_right]),
        )

    def certainties(self, by: Calibration) -> Values:
        """How certain each is."""
        return np.array([by.certainty(*pair) for pair in zip(self.best.tolist(), self.second.tolist(), strict=True)])


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of `photos` the share whose nearest article is right, and the expected calibration error over ten bins.

    `named`: from each of LEASTS on, the share of the photos whose article is named, and how many of these are right.
    """

    photos: int
    right: float
    calibration_error: float
    named: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Certainty:
    """The `fitted` constants, on all pairs; `held_out`: those of one half of the products, judged by the other half.

    `shipped`: what `inference.identity` has, on all pairs.
    """

    fitted: Calibration
    held_out: Judgement
    shipped: Judgement


def measure_certainty(
    grocery: Labelled, beside: Sequence[Labelled], fit: Callable[[Sequence[Labelled]], Projection], *, seed: int = 0
) -> Certainty:
    """Compare the photos of half of the products with all articles, by a map fitted on the other half and `beside`.

    So neither the map nor the calibration has seen the products that it is judged by. For every fourth photo the
    catalogue lacks its article, so that no answer is right.
    """
    products = np.random.default_rng(seed).permutation(np.unique(grocery.labels))
    first = np.isin(grocery.labels, products[: len(products) // 2])
    one, other = (_pairs(grocery, new, fit([grocery.some(~new), *beside])) for new in (first, ~first))
    every = one.joined(other)
    fitted = calibrated(every)
    certain = [other.certainties(calibrated(one)), one.certainties(calibrated(other))]
    return Certainty(
        fitted,
        judged(np.concatenate(certain), np.concatenate([other.is_right, one.is_right])),
        judged(every.certainties(CALIBRATION), every.is_right),
    )


def calibrated(pairs: Pairs) -> Calibration:
    """The logistic regression of what is right on the best cosine and its lead, by Newton's method."""
    inputs = np.stack([np.ones_like(pairs.best), pairs.best, pairs.best - pairs.second], axis=1)
    weights = np.zeros(inputs.shape[1])
    ridge = np.full(len(weights), _RIDGE)
    for _ in range(_STEPS):
        probable = 1 / (1 + np.exp(-(inputs @ weights)))
        slope = inputs.T @ (pairs.is_right - probable) - ridge * weights
        curve = (inputs * (probable * (1 - probable))[:, None]).T @ inputs + np.diag(ridge)
        weights += np.linalg.solve(curve, slope)
    return Calibration(*(round(float(weight), 3) for weight in weights))


def judged(certain: Values, is_right: NDArray[np.bool_]) -> Judgement:
    """How well certainties [n] say how often they are right."""
    bins = np.minimum((certain * _BINS).astype(int), _BINS - 1)
    inside = [bins == number for number in range(_BINS) if (bins == number).any()]
    error = sum(abs(float(certain[each].mean() - is_right[each].mean())) * each.mean() for each in inside)
    named = {}
    for least in LEASTS:
        chosen = certain >= least
        right = float(is_right[chosen].mean()) if chosen.any() else 0.0
        named[f"{least}"] = round(float(chosen.mean()), 3), round(right, 3)
    return Judgement(len(certain), round(float(is_right.mean()), 3), round(float(error), 3), named)


def _pairs(grocery: Labelled, new: NDArray[np.bool_], projection: Projection) -> Pairs:
    photos, shown = grocery.some(new & ~grocery.shown), grocery.some(grocery.shown)
    cosines = projection.embed(photos.features, photos.pooled) @ projection.embed(shown.features, shown.pooled).T
    own = photos.labels[:, None] == shown.labels
    is_lacking = np.arange(len(cosines))[:, None] % _LACKING_OF == 0
    cosines = np.where(own & is_lacking, -1.0, cosines)
    order = np.argsort(-cosines, axis=1)[:, :2]
    best, second = np.take_along_axis(cosines, order, axis=1).astype(np.float64).T
    return Pairs(best, second, np.take_along_axis(own, order[:, :1], axis=1)[:, 0])
