"""Which items a list may have, where its reader asks for some only."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.search_filter import NO_FILTER, SearchFilter
from inference.catalog.catalog import Catalog
from inference.catalog.search import are_within

#: Stands for all rows, so that a list without limits costs nothing more.
ALL: Final[NDArray[np.bool_]] = np.zeros(0, np.bool_)


def limits(catalog: Catalog, within: SearchFilter) -> NDArray[np.bool_]:
    """Which rows are within the limits, bool [rows]; empty for no limits."""
    return ALL if within == NO_FILTER else are_within(catalog, np.arange(len(catalog.keys)), within)
