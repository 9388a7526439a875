from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.item import Item, key_of, picture_key
from features.search_filter import NO_FILTER, SearchFilter
from inference.catalog.catalog import Catalog
from inference.catalog.index import NullIndex
from inference.catalog.search import by_look, find_among_few, find_similar, matching
from tests.harness.catalog import DIMENSIONS, ENCODER, item, vector

SMALL_ACME = {"brand": "Acme", "size": "42"}
SHOE = (("sandal", 0.4), ("running shoe", 0.3))


def shop() -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(
        [
            ("red-0", item("red-0", category="shoes", price=19.99, attributes=SMALL_ACME, tags=SHOE)),
            ("red-1", item("red-1", category="shoes", price=80.0, attributes={"brand": "Acme"})),
            ("red-2", item("red-2", category="hats", price=1e300)),
            ("red-3", item("red-3", category="shoes", price=10.0, in_stock=False)),
            ("blue-0", item("blue-0", category="shoes")),
        ]
    )
    return catalog


def catalog_of(*records: tuple[str, Item | None]) -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(records)
    return catalog


def pictures_of(*names: str) -> NDArray[np.uint64]:
    return np.array([picture_key(item(name).embeddings[ENCODER]) for name in names], np.uint64)


def about(value: float) -> Any:
    """Equal to `value` within the precision of float16."""
    return pytest.approx(value, abs=2e-3)


def names(catalog: Catalog, rows: NDArray[np.int64]) -> list[str]:
    return [catalog.item_ids[row] for row in rows.tolist()]


@pytest.mark.parametrize(
    ("search_filter", "expected"),
    [
        (NO_FILTER, ["red-0", "red-1", "red-2", "blue-0"]),
        (SearchFilter(category="shoes"), ["red-0", "red-1", "blue-0"]),
        (SearchFilter(category="skirts"), []),
        (SearchFilter(max_price=19.99), ["red-0"]),
        (SearchFilter(min_price=19.99, max_price=100.0), ["red-0", "red-1"]),
        (SearchFilter(min_price=100.0), ["red-2"]),
        (SearchFilter(max_price=1e301), ["red-0", "red-1", "red-2"]),
        (SearchFilter(category="hats", max_price=100.0), []),
        (SearchFilter(without=frozenset({key_of("red-1"), key_of("nobody")})), ["red-0", "red-2", "blue-0"]),
        (SearchFilter(not_of=key_of("shop")), []),
        (SearchFilter(attributes=(("brand", "Acme"),)), ["red-0", "red-1"]),
        (SearchFilter(attributes=(("brand", "Acme"), ("size", "42"))), ["red-0"]),
        (SearchFilter(attributes=(("brand", "Zeta"),)), []),
        (SearchFilter(tag="shoe"), ["red-0"]),
        (SearchFilter(tag="shoe", max_price=5.0), []),
        (SearchFilter(tag="running shoe"), []),
    ],
)
async def test_only_available_items_within_the_limits_are_found(
    search_filter: SearchFilter, expected: list[str]
) -> None:
    catalog = shop()
    found = names(catalog, await find_similar(catalog, vector("red-0"), 5, search_filter))

    assert sorted(found) == sorted(expected)
    if "red-0" in expected:
        assert found[0] == "red-0"


async def test_with_limits_the_nearest_come_first_and_no_more_than_asked_for() -> None:
    catalog = shop()

    assert names(catalog, await find_similar(catalog, vector("blue-0"), 1, SearchFilter(category="shoes"))) == [
        "blue-0"
    ]


@pytest.mark.parametrize(("few", "expected"), [(3, ["blue-0"]), (2, None)])
async def test_of_more_than_a_few_none_is_searched_exactly(few: int, expected: list[str] | None) -> None:
    catalog = shop()
    found = await find_among_few(catalog, by_look(catalog, vector("blue-0")), 1, SearchFilter(category="shoes"), few)

    assert (None if found is None else names(catalog, found)) == expected


async def test_an_item_whose_category_changed_is_in_its_new_one_alone() -> None:
    catalog = shop()
    catalog.apply([("red-0", item("red-0", category="hats"))])

    rows = np.arange(len(catalog.item_ids))
    assert names(catalog, matching(catalog, rows, SearchFilter(category="hats"))) == ["red-0", "red-2"]


def test_a_catalogue_whose_index_is_elsewhere_finds_nothing_by_itself() -> None:
    catalog = Catalog(DIMENSIONS, NullIndex())
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1"))])

    rows, similarities = catalog.pictures.search(vector("red-0")[None], 2)
    assert (rows.tolist(), similarities.tolist()) == ([[-1, -1]], [[-1.0, -1.0]])
    assert catalog.counts().searchable == 2


def test_what_the_index_elsewhere_found_is_remembered() -> None:
    catalog = Catalog(DIMENSIONS, NullIndex())
    catalog.apply([(name, item(name)) for name in ("red-0", "red-1", "blue-0")])
    red, other = (np.array([catalog.row_of(name)]) for name in ("red-0", "red-1"))
    assert catalog.pictures.unknown_similar([red]) == red.tolist()

    catalog.learn_similar(
        catalog.pictures, {int(catalog.keys[red[0]]): pictures_of("red-1")}, catalog.pictures.additions
    )

    assert catalog.pictures.unknown_similar([red]) == []
    assert other[0] in catalog.pictures.similar([red])[0]


def test_what_was_found_for_an_item_that_is_gone_is_passed_over() -> None:
    catalog = Catalog(DIMENSIONS, NullIndex())
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1"))])
    gone, keys = np.array([catalog.row_of("red-0")]), catalog.keys.copy()
    catalog.apply([("red-0", None)])

    catalog.learn_similar(
        catalog.pictures, {int(keys[gone[0]]): pictures_of("red-0", "red-1")}, catalog.pictures.additions
    )

    assert catalog.pictures.unknown_similar([gone]) == gone.tolist()


def test_an_answer_of_nothing_is_asked_for_again() -> None:
    catalog = Catalog(DIMENSIONS, NullIndex())
    catalog.apply([("red-0", item("red-0"))])
    red = np.array([catalog.row_of("red-0")])

    catalog.learn_similar(
        catalog.pictures, {int(catalog.keys[red[0]]): np.zeros(0, np.uint64)}, catalog.pictures.additions
    )

    assert catalog.pictures.unknown_similar([red]) == red.tolist()


# Similar to a picture


def nearest(shop: Catalog, name: str) -> NDArray[np.int64]:
    (rows,), _ = shop.pictures.search(vector(name)[None], 12)
    found: NDArray[np.int64] = rows[rows >= 0]
    return found
