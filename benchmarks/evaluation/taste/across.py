"""Whether the look of an item finds what goes with it in other categories: what the same person has there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.evaluation.intervals import ratios
from benchmarks.evaluation.taste.wardrobe import Wardrobe
from features.item import key_of
from inference.catalog.catalog import Catalog
from inference.retrieval.cross import Cross


def judge_across(wardrobe: Wardrobe, dimensions: int, seed: int) -> dict[str, Any]:
    """Of what is found in other classes for each item, the share that its owner uploaded; and by chance.

    Photos of one person share their taste, and room and camera, too. Classes are categories here, and each of them is a
    companion of all others. Nothing where `labels.csv` does not say who uploaded a picture.
    """
    if len(set(wardrobe.owners.values())) < 2:
        return {}
    catalog = Catalog(dimensions)
    catalog.apply((name, replace(item, category=wardrobe.classes[name])) for name, item in wardrobe.items.items())
    codes = range(len(catalog.category_names))
    others = Cross(catalog, {one: {each: 1.0 for each in codes if each != one} for one in codes}, 0)
    names = {key_of(name): name for name in wardrobe.items}
    counts = np.array([_found(name, others, catalog, names, wardrobe.owners) for name in wardrobe.items], np.float64).T
    found, chance = ratios(counts[[0, 2]], counts[[1, 3]], seed)
    return {
        "same_person_across": found.value,
        "same_person_across_interval": (found.low, found.high),
        "same_person_across_by_chance": chance.value,
    }


def _found(
    name: str, others: Cross, catalog: Catalog, names: Mapping[int, str], owners: Mapping[str, str]
) -> tuple[int, int, int, int]:
    """How many items that are found are the owner's, how many are found; the same of all items of other classes."""
    row = catalog.row_of(name)
    assert row is not None, f"{name!r} was just added. This is a bug."
    found = [names[key] for key in others.of(row).keys.tolist()]
    own = catalog.categories[row]
    rest = [catalog.item_ids[each] for each in np.flatnonzero(catalog.shown & (catalog.categories != own)).tolist()]
    return (*_own(found, owners, owners[name]), *_own(rest, owners, owners[name]))


def _own(items: list[str], owners: Mapping[str, str], owner: str) -> tuple[int, int]:
    return sum(owners[each] == owner for each in items), len(items)
