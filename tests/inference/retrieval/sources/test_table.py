import pytest

from inference.catalog.catalog import Catalog
from inference.retrieval.trends import TREND_COUNT
from tests.harness.catalog import DAY, NOW, act, item, reds_and_blues
from tests.harness.lists import candidates_of, catalog_of, chosen_after, names, value


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_a_new_user_gets_what_is_popular_rising_or_fresh() -> None:
    old = [(f"r{n}", item(f"r{n}", looks=f"red-{n % 32}", at_ms=NOW - n * DAY)) for n in range(100)]
    shop = catalog_of(*old)
    popular = {f"r{50 + n}": (100.0 - n, 1.0) for n in range(40)}
    rising = {f"r{n}": (1.0, 100.0 - n) for n in range(40)}
    found = candidates_of(shop, trends=popular | rising)

    assert names(shop, found, "trending") == {f"r{n}" for n in range(TREND_COUNT)}
    assert names(shop, found, "popular") == {f"r{50 + n}" for n in range(TREND_COUNT)}
    assert names(shop, found, "fresh") == set()  # all of them are credited to the trends already


def test_a_candidate_of_several_sources_is_credited_to_the_first(catalog: Catalog) -> None:
    found = candidates_of(
        catalog,
        act("red-0"),
        behaviours={"red-0": chosen_after(red_1=1.0)},
        trends={"red-1": (1.0, 1.0), "blue-1": (1.0, 0.5)},
    )

    assert len(found.rows) == len(set(found.rows.tolist()))
    assert "red-1" in names(catalog, found, "visual")
    assert value(catalog, found, "strengths", "red-1") > 0
