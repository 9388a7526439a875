"""What is trending and what is popular, by rows of the catalogue."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.trends import at_time
from inference.catalog.catalog import Catalog

TREND_COUNT = 32
_FAINT = 1e-9
#: Weight by which the strongest trend is a trend: a click adds 1, which halves every hour.
_ONE_CLICK = 1.0
#: An item with less of it does not rise: its last click was more than four hours ago.
_STILL = 0.05


@dataclass(frozen=True, slots=True)
class Trends:
    """`rising` and `loved` are the rows [≤ TREND_COUNT] that lead the table, one of each picture that can be shown.

    The strongest come first. `trend` and `popular` float32 [rows of the catalogue] are 0 to 1, as shares of the
    strongest; where no trend is as strong as a click of now, `trend` is a share of that. So nothing trends in the
    morning because somebody clicked it the evening before.
    """

    rising: NDArray[np.int64]
    loved: NDArray[np.int64]
    trend: NDArray[np.float32]
    popular: NDArray[np.float32]


def find_trends(table: NDArray[np.void], catalog: Catalog, now_ms: int) -> Trends:
    """Translate the trends table (`features.trends`) from item keys to rows of the catalogue."""
    rows = catalog.rows_of(table["item"])
    known, (loved, rising) = rows[rows >= 0], at_time(table, now_ms)
    popular = loved[rows >= 0] / max(float(loved.max(initial=0.0)), _FAINT)
    rising[rising < _STILL] = 0
    trend = rising[rows >= 0] / max(float(rising.max(initial=0.0)), _ONE_CLICK)
    first_rising = np.argsort(-trend, kind="stable")[: np.count_nonzero(trend)]
    ordered = [known[np.argsort(-popular, kind="stable")], known[first_rising]]
    leading = [catalog.pictures.one_of_each(rows[catalog.can_be_shown(rows)])[:TREND_COUNT] for rows in ordered]
    spread = np.zeros((2, len(catalog.keys)), np.float32)
    spread[:, known] = trend, popular
    return Trends(rising=leading[1], loved=leading[0], trend=spread[0], popular=spread[1])
