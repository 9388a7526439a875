from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest

from features.item import Item, key_of
from inference.catalog.catalog import Catalog
from inference.trained.item_vectors import ItemVectors
from tests.harness.catalog import NOW, without_picture

#: The vectors of five items on a line: the inner product with (1, 0) is the number in the name.
VECTORS = {f"i{number}": (float(number), 1.0) for number in range(1, 6)}


@pytest.fixture
def catalog() -> Catalog:
    found = Catalog(2)
    apply(found, *(without_picture(name) for name in VECTORS))
    return found


@pytest.fixture
def vectors(catalog: Catalog) -> ItemVectors:
    found = ItemVectors(catalog, 2)
    learn(found, catalog, VECTORS)
    return found


def apply(catalog: Catalog, *items: Item) -> None:
    catalog.apply([(item.item_id, item) for item in items])
    catalog.advance(NOW)


def learn(vectors: ItemVectors, catalog: Catalog, known: Mapping[str, tuple[float, float]]) -> list[str]:
    """Put the vectors of unknown items; the names of these items."""
    rows = vectors.unknown(100)
    names = [catalog.item_ids[row] for row in rows.tolist()]
    given = np.array([known.get(name, (0, 0)) for name in names], np.float32).reshape(-1, 2)
    vectors.put(rows, given, np.array([name in known for name in names], np.bool_))
    return [name for name in names if name]


def best(
    vectors: ItemVectors, catalog: Catalog, *queries: tuple[float, float], count: int, seen: Sequence[str] = ()
) -> list[dict[str, float]]:
    """By query the items that are found, with their inner products."""
    low = np.array([key_of(name) & 0xFFFF_FFFF for name in seen], np.uint32)
    rows, scores, bounds = vectors.best(np.array(queries, np.float32), [low] * len(queries), count)
    return [
        {catalog.item_ids[row]: score for row, score in zip(rows[part].tolist(), scores[part].tolist(), strict=True)}
        for part in (slice(start, end) for start, end in pairwise(bounds))
    ]


def test_the_best_have_the_greatest_inner_products(vectors: ItemVectors, catalog: Catalog) -> None:
    found = best(vectors, catalog, (1, 0), (-1, 0), count=2)
    assert [list(each.items()) for each in found] == [[("i5", 5), ("i4", 4)], [("i1", -1), ("i2", -2)]]


def test_the_best_of_many_are_those_of_a_full_sort() -> None:
    catalog, random = Catalog(2), np.random.default_rng(1)
    apply(catalog, *(without_picture(f"i{number}") for number in range(3_000)))
    vectors = ItemVectors(catalog, 8)
    rows = vectors.unknown(10_000)
    given = random.standard_normal((len(rows), 8)).astype(np.float16)
    vectors.put(rows, given, np.array(catalog.shown[rows]))
    query = random.standard_normal((1, 8)).astype(np.float32)
    found, scores, bounds = vectors.best(query, [np.empty(0, np.uint32)], 7)
    products = np.where(catalog.shown[rows], given.astype(np.float32) @ query[0], -np.inf)
    assert found.tolist() == rows[np.argsort(-products)][:7].tolist()
    assert scores == pytest.approx(np.sort(products)[::-1][:7], rel=1e-5)
    assert bounds.tolist() == [0, 7]


def test_there_are_fewer_where_fewer_have_a_vector(vectors: ItemVectors, catalog: Catalog) -> None:
    assert best(vectors, catalog, (1, 0), count=9) == [{"i5": 5, "i4": 4, "i3": 3, "i2": 2, "i1": 1}]


def test_without_items_nothing_is_found() -> None:
    catalog = Catalog(2)
    vectors = ItemVectors(catalog, 2)
    learn(vectors, catalog, VECTORS)
    assert best(vectors, catalog, (1, 0), count=3) == [{}]
    assert vectors.best(np.zeros((1, 2), np.float32), [np.empty(0, np.uint32)], 3).bounds.tolist() == [0, 0]


def test_what_was_seen_is_left_out(vectors: ItemVectors, catalog: Catalog) -> None:
    assert best(vectors, catalog, (1, 0), count=2, seen=["i5", "i3"]) == [{"i4": 4, "i2": 2}]


def test_what_cannot_be_shown_is_left_out_until_it_can(vectors: ItemVectors, catalog: Catalog) -> None:
    apply(catalog, without_picture("i5", hidden=True))
    assert best(vectors, catalog, (1, 0), count=1) == [{"i4": 4}]
    apply(catalog, without_picture("i5"))
    assert best(vectors, catalog, (1, 0), count=1) == [{"i5": 5}]


def test_an_item_without_a_vector_is_not_found(vectors: ItemVectors, catalog: Catalog) -> None:
    apply(catalog, without_picture("new"))
    assert learn(vectors, catalog, VECTORS) == ["new"]
    assert "new" not in best(vectors, catalog, (0, -1), count=9)[0]


def test_an_item_is_unknown_once_until_it_changes(vectors: ItemVectors, catalog: Catalog) -> None:
    apply(catalog, without_picture("new"), without_picture("i1", price=3.0))
    assert learn(vectors, catalog, VECTORS) == ["i1", "new"]
    assert learn(vectors, catalog, VECTORS) == []


def test_unknown_items_are_taken_some_at_a_time(catalog: Catalog) -> None:
    vectors = ItemVectors(catalog, 2)
    found = []
    while len(rows := vectors.unknown(2)):
        vectors.put(rows, np.zeros((len(rows), 2)), np.ones(len(rows), np.bool_))
        found += rows.tolist()
    assert found == [0, 1, 2, 3, 4]


def test_a_row_of_another_item_by_now_has_no_vector(vectors: ItemVectors, catalog: Catalog) -> None:
    row = catalog.row_of("i5")
    catalog.apply([("i5", None)])
    apply(catalog, without_picture("other"))
    assert catalog.row_of("other") == row
    assert best(vectors, catalog, (1, 0), count=1) == [{"i4": 4}]
    assert vectors.has(np.array([row])).tolist() == [False]
    assert learn(vectors, catalog, {"other": (7, 0)}) == ["other"]
    assert best(vectors, catalog, (1, 0), count=1) == [{"other": 7}]


def test_a_vector_can_be_replaced_or_taken_away(vectors: ItemVectors, catalog: Catalog) -> None:
    rows = catalog.rows_of(np.array([key_of("i1"), key_of("i5")], np.uint64))
    vectors.put(rows, np.array([[9, 0], [0, 0]]), np.array([True, False]))
    assert best(vectors, catalog, (1, 0), count=2) == [{"i1": 9, "i4": 4}]


def test_vectors_of_rows_are_read_back(vectors: ItemVectors, catalog: Catalog) -> None:
    rows = catalog.rows_of(np.array([key_of("i2"), key_of("unknown")], np.uint64))
    assert vectors.has(rows).tolist() == [True, False]
    assert vectors[rows[:1]].tolist() == [[2, 1]]


def test_scores_are_inner_products_with_the_query_of_the_user(vectors: ItemVectors, catalog: Catalog) -> None:
    apply(catalog, without_picture("new"))
    rows = catalog.rows_of(np.array([key_of(name) for name in ("i1", "i2", "new", "i3")], np.uint64))
    queries, bounds = np.array([[1, 0], [0, 2]], np.float32), np.array([0, 1, 4])
    assert vectors.scores(queries, rows, bounds).tolist() == [1, 2, -np.inf, 2]
