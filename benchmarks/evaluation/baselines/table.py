"""The baselines by their names in the printed result."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.baselines import item_knn
from benchmarks.evaluation.baselines.baseline import Baseline
from benchmarks.evaluation.baselines.ease import Ease
from benchmarks.evaluation.baselines.factors import Factors
from benchmarks.evaluation.baselines.item_knn import ItemKnn
from benchmarks.evaluation.baselines.popular import RECENT_HALF_LIFE, Popular
from benchmarks.evaluation.baselines.visual_only import VisualOnly


def baselines_for(
    items: int, dimensions: int, picture: Callable[[int], NDArray[np.float32] | None], seed: int
) -> tuple[dict[str, Baseline], dict[str, str]]:
    """The baselines for a log of so many items, and why others are left out, by name."""
    found: dict[str, Baseline] = {
        "popular": Popular(items),
        "recent": Popular(items, half_life=RECENT_HALF_LIFE),
        "ease": Ease(items),
        "visual_only": VisualOnly(items, dimensions, picture),
    }
    left_out: dict[str, str] = {}
    if items <= item_knn.ITEMS_LIMIT:
        found["item_knn"] = ItemKnn(items)
    else:
        left_out["item_knn"] = f"the log has {items:,} items; pairs are counted of at most {item_knn.ITEMS_LIMIT:,}"
    try:
        found["als"], found["bpr"] = Factors(items, "als", seed), Factors(items, "bpr", seed)
    except ModuleNotFoundError as error:
        why = f"needs {error.name}: install sightline[evaluation]"
        left_out |= {"als": why, "bpr": why}
    return found, left_out
