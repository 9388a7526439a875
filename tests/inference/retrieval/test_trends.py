import numpy as np
import pytest

from features.behaviour import Behaviour
from features.item import key_of
from features.ledger import EMPTY
from features.trends import NO_TRENDS, update_trends
from inference.catalog.catalog import Catalog
from inference.retrieval.trends import find_trends
from tests.harness.catalog import DAY, NOW, reds_and_blues
from tests.harness.lists import catalog_of


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_trends_are_scaled_by_the_strongest_and_lack_unknown_items(catalog: Catalog) -> None:
    sums = {"red-0": (2.0, 8.0), "blue-0": (10.0, 4.0), "unheard-of": (5.0, 2.0)}
    table = update_trends(NO_TRENDS, {key_of(n): Behaviour(EMPTY, *each, NOW) for n, each in sums.items()}, NOW)
    trends = find_trends(table, catalog, NOW)

    rows = catalog.rows_of(np.array([key_of("red-0"), key_of("blue-0")], np.uint64)).tolist()
    assert trends.rising.tolist() == rows
    assert trends.loved.tolist() == rows[::-1]
    assert trends.trend[rows].tolist() == pytest.approx([1.0, 0.5])
    assert trends.popular[rows].tolist() == pytest.approx([0.2, 1.0])
    assert np.count_nonzero(trends.trend) == np.count_nonzero(trends.popular) == 2


def test_no_trends_are_none(catalog: Catalog) -> None:
    assert len(find_trends(NO_TRENDS, catalog, NOW).rising) == 0


def test_what_was_clicked_the_evening_before_trends_no_more_and_is_as_popular(catalog: Catalog) -> None:
    table = update_trends(NO_TRENDS, {key_of("red-0"): Behaviour(EMPTY, 10.0, 10.0, NOW - DAY // 2)}, NOW)
    row = catalog.rows_of(np.array([key_of("red-0")], np.uint64))
    quiet, busy = find_trends(table, catalog, NOW), find_trends(table, catalog, NOW - 11 * DAY // 24)

    assert (quiet.rising.tolist(), quiet.loved.tolist()) == ([], row.tolist())
    assert quiet.trend[row] == 0
    assert quiet.popular[row] == busy.popular[row] == busy.trend[row] == 1.0
    assert busy.rising.tolist() == row.tolist()
