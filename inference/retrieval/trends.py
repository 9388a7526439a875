"""What is trending and what is popular, by rows of the catalogue."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.trends import at_time
from inference.catalog.catalog import Catalog

TREND_COUNT = 32
_FAINT = 1e-9


@dataclass(frozen=True, slots=True)
class Trends:
    """`rising` and `loved` are the rows [≤ TREND_COUNT] that lead the table, one of each picture that can be shown.

    The strongest come first. `trend` and `popular` float32 [rows of the catalogue] are 0 to 1, as shares of the
    strongest.
    """

    rising: NDArray[np.int64]
    loved: NDArray[np.int64]
    trend: NDArray[np.float32]
    popular: NDArray[np.float32]


def find_trends(table: NDArray[np.void], catalog: Catalog, now_ms: int) -> Trends:
    """Translate the trends table (`features.trends`) from item keys to rows of the catalogue."""
    rows = catalog.rows_of(table["item"])
    known = rows[rows >= 0]
    popular, trend = (
        values[rows >= 0] / max(float(values.max(initial=0.0)), _FAINT) for values in at_time(table, now_ms)
    )
    ordered = [known[np.argsort(-values, kind="stable")] for values in (trend, popular)]
    leading = [catalog.pictures.one_of_each(rows[catalog.can_be_shown(rows)])[:TREND_COUNT] for rows in ordered]
    spread = np.zeros((2, len(catalog.keys)), np.float32)
    spread[:, known] = trend, popular
    return Trends(leading[0], leading[1], spread[0], spread[1])
