import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason, RecommendedItem
from inference.catalog.catalog import Catalog
from inference.ranking.similar import SimilarRanker
from tests.harness.catalog import DIMENSIONS, NOW, item, reds_and_blues, vector
from tests.harness.lists import about, catalog_of


def nearest(shop: Catalog, name: str) -> NDArray[np.int64]:
    (rows,), _ = shop.pictures.search(vector(name)[None], 12)
    found: NDArray[np.int64] = rows[rows >= 0]
    return found


def test_a_picture_finds_what_looks_like_it() -> None:
    shop = catalog_of(*reds_and_blues(6))
    found = SimilarRanker().rank(vector("red-2"), nearest(shop, "red-2"), shop, length=3, now_ms=NOW)

    assert found[0] == RecommendedItem(
        item_id="red-2",
        score=about(1.0),
        source="visual",
        explore=False,
        reasons=[Reason(code="looks_like", similarity=about(1.0))],
    )
    assert [slot.item_id.partition("-")[0] for slot in found] == ["red"] * 3


def test_a_picture_does_not_find_hidden_or_expired_items() -> None:
    shop = catalog_of(
        ("red-1", item("red-1", expires_at_ms=NOW)),
        ("red-2", item("red-2", hidden=True)),
        ("red-3", item("red-3", owner=None)),
    )
    found = SimilarRanker().rank(vector("red-0"), nearest(shop, "red-0"), shop, length=4, now_ms=NOW)

    assert [slot.item_id for slot in found] == ["red-3"]


def test_an_empty_catalogue_looks_like_nothing() -> None:
    shop = Catalog(DIMENSIONS)
    assert SimilarRanker().rank(vector("red-0"), nearest(shop, "red-0"), shop, length=4, now_ms=NOW) == []
