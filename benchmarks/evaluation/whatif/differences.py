"""How the lists of two versions differ, and how sure that is. Users are what is drawn: one user's lists are alike."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.intervals import Interval, ratios
from benchmarks.evaluation.measures import SHOWN
from benchmarks.evaluation.whatif.replay import MEASURED, Replayed

_RESAMPLES = 200
_BOUNDS = (0.025, 0.975)


def differences(found: Replayed, seed: int) -> dict[str, Any]:
    """The figures of both versions, and `differences` (the other less the served one) with 95 % intervals."""
    served, other = (np.array(rows).reshape(-1, len(MEASURED)) for rows in found.figures)
    users = np.unique(found.users, return_inverse=True)[1]
    counts = np.bincount(users).astype(np.float64)
    tops = np.array([np.bincount(users, column) for column in (other - served).T], np.float64)
    differing = dict(zip(MEASURED, ratios(tops, np.tile(counts, (len(tops), 1)), seed), strict=True))
    pairs = list(zip(*found.shown, strict=True))
    overlaps = [len({*one} & {*another}) / max(len(one), len(another), 1) for one, another in pairs]
    return {
        "lists": len(pairs),
        "users": len(counts),
        "served": _means(served) | {"coverage": _coverage(found.shown[0], found.known)},
        "other": _means(other) | {"coverage": _coverage(found.shown[1], found.known)},
        "differences": {
            **{name: asdict(each) for name, each in differing.items()},
            "coverage": asdict(_coverage_difference(found, users, seed)),
        },
        "lists_differ": round(float(np.mean([one != another for one, another in pairs])), 6),
        f"overlap_at_{SHOWN}": round(float(np.mean(overlaps)), 6),
    }


def _means(rows: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(MEASURED, rows.mean(axis=0).round(6).tolist(), strict=True))


def _coverage(shown: Sequence[Sequence[str]], known: int) -> float:
    return round(len({item for items in shown for item in items}) / max(known, 1), 6)


def _coverage_difference(found: Replayed, users: NDArray[np.int64], seed: int) -> Interval:
    """The difference in coverage. A resample has fewer different users, so its bias is taken off the interval."""
    value = _coverage(found.shown[1], found.known) - _coverage(found.shown[0], found.known)
    rng, of_user = np.random.default_rng(seed), [np.flatnonzero(users == user) for user in range(users.max() + 1)]
    resampled = []
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([of_user[user] for user in np.unique(rng.integers(0, len(of_user), len(of_user)))])
        one, other = (_coverage([shown[place] for place in drawn], found.known) for shown in found.shown)
        resampled.append(other - one)
    low, high = np.quantile(np.array(resampled) - np.mean(resampled), _BOUNDS).tolist()
    return Interval(round(value, 6), round(value + low, 6), round(value + high, 6))
