"""What keeps an item from being a candidate: it has no row in the catalogue, or filters take it out."""

import numpy as np

from features.item import Item
from inference.explain.explanation import Obstacle
from inference.retrieval.filters import filters_of
from inference.retrieval.preferences import NAMED_BY, wishes_of
from inference.retrieval.query import Query


def missing(stored: Item | None) -> Obstacle:
    """Why an item of which this is stored has no row in the catalogue."""
    if stored is None:
        return Obstacle("not_in_catalogue")
    if stored.deleted:
        return Obstacle("deleted")
    return Obstacle("not_read_yet" if stored.is_described else "not_described")


def obstacles(query: Query, row: int, stored: Item | None) -> list[Obstacle]:
    """What the filters have against a row for the one user of a query, in the order of the filters."""
    rows = np.array([row])
    wishes = wishes_of(query.profiles, np.zeros(1, np.int64), rows, query.catalog)
    names = filters_of(query, 0, row, float(wishes.weights[0]), _excluded_by(query, row))
    return [each for name in names for each in _of_filter(name, query, row, stored, NAMED_BY[wishes.named_by[0]])]


def _excluded_by(query: Query, row: int) -> int:
    """The rule of the shop that excludes a row, as its place in the file from 1; 0 for none."""
    return 0 if query.shop is None else int(query.shop.marks(np.array([row]), query.catalog).excluded_by[row])


def _of_filter(name: str, query: Query, row: int, stored: Item | None, named_by: str) -> list[Obstacle]:
    catalog, (profile,) = query.catalog, query.profiles
    match name:
        case "unavailable":
            return _unavailable(query, row, stored)
        case "excluded":
            rule = None if query.shop is None else query.shop.file.rules[_excluded_by(query, row) - 1].name
            return [Obstacle("excluded", name=rule)]
        case "own":
            return [Obstacle("own")]
        case "unwanted":
            category = catalog.category_names[catalog.categories[row]] if named_by == "category" else None
            return [Obstacle("never", named_by=named_by, name=category)]
        case "hidden":
            return [Obstacle("refused", long_ago=row not in query.tastes.refused[0])]
        case "seen":
            lately = bool((profile.seen == np.uint32(int(catalog.keys[row]) & 0xFFFF_FFFF)).any())
            return [Obstacle("seen", long_ago=not lately)]
    raise AssertionError(f"no obstacle is known for the filter {name!r}. This is a bug.")


def _unavailable(query: Query, row: int, stored: Item | None) -> list[Obstacle]:
    found: list[Obstacle] = []
    if not query.catalog.available[row]:
        is_hidden, is_sold_out = (stored.hidden, not stored.in_stock) if stored is not None else (False, False)
        is_held = stored is not None and stored.is_held
        found += [Obstacle("hidden_item")] * is_hidden + [Obstacle("out_of_stock")] * is_sold_out
        found += [Obstacle("held_item")] * is_held
        found = found or [Obstacle("unavailable")]
    expires_ms = int(query.catalog.expires_ms[row])
    if expires_ms <= query.now_ms:
        found.append(Obstacle("expired", at_ms=expires_ms))
    return found
