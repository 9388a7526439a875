"""Reads logs of Open Bandit (Saito et al. 2020): what was shown where, at what probability, and what was clicked."""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.log import UnreadableLog

#: The log of a uniform policy begins with this, and that of another policy on the same items ends alike.
_UNIFORM = "random_"
_SUFFIX = ".csv.gz"
_COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score")


@dataclass(frozen=True, slots=True)
class Impressions:
    """n impressions in order of time: `items` and `positions` int64 [n] from 0, whether each was clicked, float64 [n].

    `propensities` float64 [n]: the probability at which the policy showed the item in that position.
    """

    items: NDArray[np.int64]
    positions: NDArray[np.int64]
    clicks: NDArray[np.float64]
    propensities: NDArray[np.float64]


def read_uniform(folder: Path) -> tuple[Impressions, dict[str, Impressions]]:
    """The log of the uniform policy in a folder, and by name those of other policies; raises UnreadableLog."""
    found = sorted(folder.glob(f"{_UNIFORM}*{_SUFFIX}"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise UnreadableLog(f"{folder} must hold one log of a uniform policy, {_UNIFORM}*{_SUFFIX}; there is {names}")
    uniform = read_impressions(found[0])
    items = len(np.unique(uniform.items))
    if not np.allclose(uniform.propensities, 1 / items):
        raise UnreadableLog(f"{found[0]} is not of a uniform policy: not every propensity is 1 / {items} items")
    campaign = found[0].name.removeprefix(_UNIFORM)
    others = sorted(set(folder.glob(f"*_{campaign}")) - set(found))
    return uniform, {path.name.removesuffix(_SUFFIX): read_impressions(path) for path in others}


def read_impressions(path: Path) -> Impressions:
    """The impressions of a file; raises UnreadableLog."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            rows = [[row[name] for name in _COLUMNS] for row in csv.DictReader(lines)]
        rows.sort(key=lambda row: row[0])
        _, items, positions, clicks, propensities = zip(*rows, strict=True)
        found = Impressions(
            _numbered(items), _numbered(positions), np.array(clicks, float), np.array(propensities, float)
        )
    except (OSError, EOFError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableLog(f"{path} cannot be read; it needs rows of {', '.join(_COLUMNS)}: {error}") from error
    if not ((found.propensities > 0) & (found.propensities <= 1)).all():
        raise UnreadableLog(f"{path}: a propensity_score is not above 0 and at most 1")
    return found


def _numbered(values: Iterable[str]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = np.unique(list(values), return_inverse=True)[1]
    return numbers
