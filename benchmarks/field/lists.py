"""Lists and searches of catalogues as shops have them. No service is needed."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.field.case import Case, equal
from features.item import Item, key_of
from features.profile import DAY_MS, NEW, Action, apply_interaction
from features.search_filter import NO_FILTER
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_similar
from inference.ranking.similar import SimilarRanker
from inference.recommender import Recommender

NOW_MS = 1_790_000_000_000
WIDTH = 256
LENGTH = 20

Act = tuple[str, float]


def list_cases() -> Iterator[Case]:
    """The cases of lists."""
    shop = _Shop(seed=1)
    yield from _one_placeholder(shop)
    yield from _mostly_expired(shop)
    yield from _never(shop)


class _Shop:
    """Makes items of twenty kinds, whose pictures resemble each other."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._kinds = self._noise(20)

    def look(self, kind: int) -> NDArray[np.float32]:
        """A picture of a kind: float32 [WIDTH], of length 1."""
        vector = self._kinds[kind] + 0.9 * self._noise(1)[0]
        found: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return found

    def _noise(self, count: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._random.standard_normal((count, WIDTH)) / np.sqrt(WIDTH)
        return found


def _item(name: str, vector: NDArray[np.float32], **facts: Any) -> Item:
    then = NOW_MS - 30 * DAY_MS
    known: dict[str, Any] = {"changed_at_ms": then, "uploaded_at_ms": then, "owner": "shop"}
    return Item(name, embeddings={"e@1": vector.astype("<f2").tobytes()}, **(known | facts))


def _catalog(items: Sequence[Item]) -> Catalog:
    found = Catalog(WIDTH)
    found.apply([(each.item_id, each) for each in items])
    return found


def feed(shop: Catalog, *acts: Act, user: str = "u") -> list[str]:
    """The ids of the list of a user who did this."""
    profile = NEW
    for number, (name, weight) in enumerate(acts):
        profile = apply_interaction(profile, Action(key_of(f"e{number}"), key_of(name), weight, NOW_MS)).profile
    recommender = Recommender(shop, length=LENGTH)
    (made,) = recommender.recommend(recommender.prepare([profile], NOW_MS), [key_of(user)], {}, NO_TRENDS, NOW_MS)
    return [each.item_id for each in made.ranking.items]


def search(shop: Catalog, vector: NDArray[np.float32]) -> list[str]:
    """The ids of the answer to a picture query."""
    rows = asyncio.run(find_similar(shop, vector, 2 * LENGTH, NO_FILTER))
    made = SimilarRanker().rank(vector, rows, shop, length=LENGTH, now_ms=NOW_MS)
    return [each.item_id for each in made]


def _one_placeholder(shop: _Shop) -> Iterator[Case]:
    same = shop.look(0)
    pictured = [_item(f"p{n}", same) for n in range(1000)]
    catalog = _catalog(pictured + [_item(f"o{n}", shop.look(n % 20)) for n in range(2000)])
    yield _full("L1 1,000 items share a placeholder; who clicked one gets", feed(catalog, ("p7", 1.0)))
    acts = (("o1", 1.0), ("o2", 1.0), ("o3", 1.0), ("p7", 1.0))
    yield _full("L1 … and who clicked three others before", feed(catalog, *acts))
    answer = search(catalog, same)
    yield _full("L3 a query with the placeholder gets", answer)
    copies = sum(name.startswith("p") for name in answer)
    yield equal("L3 … of which show the placeholder", 1, copies)


def _mostly_expired(shop: _Shop) -> Iterator[Case]:
    offers = [
        _item(f"c{n}", shop.look(n % 20), expires_at_ms=NOW_MS + DAY_MS if n % 400 == 7 else NOW_MS - 1)
        for n in range(20_000)
    ]
    alive = next(each.item_id for each in offers if (each.expires_at_ms or 0) > NOW_MS)
    catalog = _catalog(offers)
    yield _full("L2 50 of 20,000 offers live; who clicked one gets", feed(catalog, (alive, 1.0)))
    yield _full("L2 … who clicked an expired one gets", feed(catalog, ("c3", 1.0)))
    sold = [replace(each, expires_at_ms=None, in_stock=(each.expires_at_ms or 0) > NOW_MS) for each in offers]
    catalog = _catalog(sold)
    yield _full("L2 the same sold out; who clicked one in stock gets", feed(catalog, (alive, 1.0)))
    yield _full("L2 … a picture query gets", search(catalog, shop.look(3)))


def _never(shop: _Shop) -> Iterator[Case]:
    catalog = _catalog([_item(f"o{n}", shop.look(n % 20)) for n in range(400)])
    hides = [("o20", -3.0), *((f"o{20 * n + 1}", -3.0) for n in range(1, 17))]
    views = [(f"o{n}", 0.2) for n in range(2, 400) if n % 20 not in (0, 1)]
    seen = feed(catalog, *hides, *views, ("o40", 1.0), ("o60", 1.0))
    yield equal("L4 hid o20, then 16 others, viewed 360: o20 is back", False, "o20" in seen)


def _full(case: str, names: Sequence[str]) -> Case:
    return equal(case, f"{LENGTH} items", f"{len(set(names))} items")
