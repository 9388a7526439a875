"""Judges lists by simulated shoppers on real pictures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.evaluation.intervals import ratios
from benchmarks.evaluation.log import Log
from benchmarks.evaluation.replayed_world import ReplayedWorld
from benchmarks.evaluation.taste.across import judge_across
from benchmarks.evaluation.taste.shopper import BEFORE, Visit, clicks_to_forget, precision, shop
from benchmarks.evaluation.taste.wardrobe import Wardrobe
from inference.catalog.copies import SAME_PICTURE
from streams.settings import Settings

#: Clicks after which precision is measured, from the start and from the change.
AFTER_CLICKS = (1, 3, 5, 10)


def judge_taste(
    settings: Settings, wardrobe: Wardrobe, *, shoppers: int, seed: int, progress: Callable[[str], None]
) -> tuple[dict[str, Any], list[Visit]]:
    """The figures of `sightline bench taste --json`, and the visits. The same seed gives the same figures.

    Every shopper is the first one of a shop: nobody else's clicks help.
    """

    def opened() -> ReplayedWorld:
        return ReplayedWorld(settings, Log([], items=wardrobe.items), length=settings.list_length, seed=seed)

    visits = []
    # One thread: sums are always in the same order.
    with threadpool_limits(1):
        for number in range(shoppers):
            visits.append(shop(opened, wardrobe.classes, np.random.default_rng([seed, number])))
            progress(f"{number + 1} of {shoppers} shoppers")
        across = judge_across(wardrobe, settings.dimensions, seed)
    found = {**_figures(visits, wardrobe, seed), **across, "shoppers": shoppers, "items": len(wardrobe.items)}
    return found, visits


def near_duplicates(shown: Sequence[str], vectors: Mapping[str, NDArray[np.float32]]) -> int:
    """The pairs of a list whose pictures are the same to the product: cosine similarity ≥ SAME_PICTURE."""
    found = np.stack([vectors[item] for item in shown])
    return int(np.count_nonzero(np.triu(found @ found.T, 1) >= SAME_PICTURE))


def _figures(visits: Sequence[Visit], wardrobe: Wardrobe, seed: int) -> dict[str, Any]:
    rows = {}
    for clicks in AFTER_CLICKS:
        rows[f"p_at_10_after_{clicks}"] = [_precision(visit, wardrobe, clicks) for visit in visits]
    for clicks in AFTER_CLICKS:
        rows[f"p_at_10_after_change_{clicks}"] = [_precision(visit, wardrobe, BEFORE + clicks) for visit in visits]
    values = np.array(list(rows.values()))
    means = dict(zip(rows, ratios(values, np.ones(values.shape), seed), strict=True))
    forgotten = np.array([clicks_to_forget(visit, wardrobe.classes) for visit in visits])
    vectors = {name: item.vector("pictures@1") for name, item in wardrobe.items.items()}
    return {
        **{name: mean.value for name, mean in means.items()},
        "intervals": {name: (mean.low, mean.high) for name, mean in means.items()},
        "clicks_to_forget": float(np.median(forgotten)),
        "clicks_to_forget_p90": float(np.quantile(forgotten, 0.9)),
        "forgotten_within_10": round(float(np.mean(forgotten <= 10)), 4),
        "near_duplicates": sum(near_duplicates(shown, vectors) for visit in visits for shown in visit.lists if shown),
        "seed": seed,
    }


def _precision(visit: Visit, wardrobe: Wardrobe, clicks: int) -> float:
    return precision(visit.lists[clicks - 1], wardrobe.classes, visit.tastes(clicks))
