"""The arms of an experiment beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.experiments.outcomes import Totals
from streams.experiments.statistics import Interval, Split, difference, interval, ratio, split

#: Each figure is a ratio of sums over the users of an arm; `users` is their number.
FIGURES: Final = {
    "ctr": ("clicked", "shown"),
    "conversion": ("converted", "shown"),
    "dwell_s": ("dwell_s", "looks"),
    "diversity": ("diversity", "measured"),
    "sold": ("sold", "shown"),
    "paid": ("paid", "users"),
}
#: Those that are sums of money, all in one currency.
OF_MONEY: Final = ("sold", "paid")
_COLUMNS: Final = {name: place for place, name in enumerate(Totals._fields)}


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its interval, None where too few users count for one."""

    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of an arm, and what it has more than the first arm's; None for the first, and where either lacks."""

    figure: Figure
    more: Figure | None


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm: its `users`, what they did in sum (by the names of `Totals`), and its figures where there are any."""

    arm: str
    share: float
    users: int
    sums: Mapping[str, float]
    figures: Mapping[str, Compared]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All arms, and whether users were split by their shares."""

    arms: list[ArmResult]
    split: Split


def compare(totals: Mapping[str, NDArray[np.float64]], shares: Mapping[str, float]) -> Comparison:
    """Compare the arms by the totals float64 [users, fields of Totals] of each; the first is what the others meet."""
    first, *_ = shares
    arms = [
        ArmResult(
            arm,
            share,
            len(totals[arm]),
            {name: float(totals[arm][:, place].sum()) for name, place in _COLUMNS.items()},
            _figures(totals[arm], None if arm == first else totals[first]),
        )
        for arm, share in shares.items()
    ]
    return Comparison(arms, split([each.users for each in arms], [*shares.values()]))


def _figures(totals: NDArray[np.float64], first: NDArray[np.float64] | None) -> dict[str, Compared]:
    found = {}
    for name, parts in FIGURES.items():
        own = ratio(*(_column(totals, part) for part in parts))
        other = None if first is None else ratio(*(_column(first, part) for part in parts))
        if own is not None:
            more = None if other is None else difference(own, other)
            found[name] = Compared(
                Figure(own.value, interval(own)), None if more is None else Figure(more.value, interval(more))
            )
    return found


def _column(totals: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    return np.ones(len(totals)) if name == "users" else totals[:, _COLUMNS[name]]
