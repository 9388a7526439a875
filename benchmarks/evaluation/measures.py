"""What is measured of lists: whether they hold what the user wanted, and what they are made of.

Järvelin and Kekäläinen 2002 for nDCG (gains of 0 and 1); novelty is the mean self-information of the items shown, after
Zhou et al. 2010.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Lengths of lists for which the figures are given.
LENGTHS = (5, 10, 20)
#: Slots of a list that count for coverage, diversity, novelty and sources.
SHOWN = 10
#: Points of a curve.
POINTS = 20
_NAMES = ("hit", "precision", "recall", "f1", "ndcg")
#: The figures of one answer, in this order.
FIGURES = (*(f"{name}_at_{length}" for name in _NAMES for length in LENGTHS), "mrr")
_OF_A_GROUP = ("hit_at_10", "recall_at_10", "ndcg_at_10", "mrr")
_HIT = FIGURES.index("hit_at_10")


@lru_cache(maxsize=4096)
def judge(places: tuple[int, ...], targets: int) -> NDArray[np.float32]:
    """The FIGURES of a list that has `targets` wanted items at these places (1: the first slot): float32 [16]."""
    rows = []
    for length in LENGTHS:
        hits = [place for place in places if place <= length]
        precision, recall = len(hits) / length, len(hits) / targets
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        best = sum(1 / np.log2(1 + place) for place in range(1, min(targets, length) + 1))
        rows.append((float(bool(hits)), precision, recall, f1, sum(1 / np.log2(1 + place) for place in hits) / best))
    figures = [rows[length][name] for name in range(len(_NAMES)) for length in range(len(LENGTHS))]
    return np.array([*figures, 1 / places[0] if places else 0.0], np.float32)


@dataclass(slots=True)
class Catalogue:
    """What the measures need of the items, by number: their `categories` (-1: none) and how often each was chosen."""

    categories: NDArray[np.int64]
    chosen: NDArray[np.float64]
    known: NDArray[np.bool_]

    def diversity(self, items: Sequence[int]) -> float:
        """The share of the pairs of a list whose categories differ; NaN for a list without categories."""
        found = self.categories[list(items)]
        found = found[found >= 0]
        pairs = len(found) * (len(found) - 1) / 2
        alike = sum(count * (count - 1) / 2 for count in np.unique(found, return_counts=True)[1].tolist())
        return 1 - alike / pairs if pairs else float("nan")

    def novelty(self, items: Sequence[int]) -> float:
        """The mean number of bits of the items' shares of all choices so far (add-one smoothed)."""
        shares = (self.chosen[list(items)] + 1) / (self.chosen.sum() + len(self.chosen))
        return float(-np.log2(shares).mean()) if len(items) else float("nan")


@dataclass(slots=True)
class Answers:
    """The answers of one method to the questions of a log, in order."""

    rows: list[NDArray[np.float32]] = field(default_factory=list)
    shown: set[int] = field(default_factory=set)
    diversities: list[float] = field(default_factory=list)
    novelties: list[float] = field(default_factory=list)

    def add(self, items: Sequence[int], targets: Collection[int], catalogue: Catalogue) -> None:
        """Add a list, the best item first; `targets` are the items that the user wanted."""
        places = tuple(place for place, item in enumerate(items, 1) if item in targets)
        self.rows.append(judge(places, len(targets)))
        top = items[:SHOWN]
        self.shown.update(top)
        self.diversities.append(catalogue.diversity(top))
        self.novelties.append(catalogue.novelty(top))

    def figures(self, catalogue: Catalogue) -> dict[str, float | None]:
        """FIGURES over all questions, and `coverage`, `diversity` and `novelty` of the slots shown."""
        known = int(np.count_nonzero(catalogue.known))
        return {
            **means(self._rows()),
            "coverage": round(len(self.shown) / known, 6) if known else None,
            "diversity": _mean(self.diversities),
            "novelty": _mean(self.novelties),
        }

    def of(self, groups: Mapping[str, Sequence[bool]]) -> dict[str, dict[str, float | int | None]]:
        """The number of questions in each group, and the means of some figures over them."""
        rows = self._rows()
        return {name: _group(rows[np.array(chosen, bool)]) for name, chosen in groups.items()}

    def curve(self) -> list[float]:
        """Hit@10 in each of POINTS equal parts of the questions, in order."""
        hits = self._rows()[:, _HIT]
        return [round(float(part.mean()), 6) for part in np.array_split(hits, POINTS) if len(part)]

    def _rows(self) -> NDArray[np.float32]:
        return np.array(self.rows, np.float32).reshape(-1, len(FIGURES))


def means(rows: NDArray[np.float32]) -> dict[str, float | None]:
    """The mean of each of FIGURES over answers [n, 16]; None where there is none."""
    if not len(rows):
        return dict.fromkeys(FIGURES)
    values = rows.mean(axis=0, dtype=np.float64).tolist()
    return {name: round(value, 6) for name, value in zip(FIGURES, values, strict=True)}


def _group(rows: NDArray[np.float32]) -> dict[str, float | int | None]:
    found = means(rows)
    return {
        "questions": len(rows),
        **{name: found[name] for name in ("hit_at_10", "recall_at_10", "ndcg_at_10", "mrr")},
    }


def _mean(values: Sequence[float]) -> float | None:
    given = [value for value in values if value == value]  # not NaN
    return round(float(np.mean(given)), 6) if given else None
