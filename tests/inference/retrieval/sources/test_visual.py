from dataclasses import replace

import pytest

from inference.catalog.catalog import Catalog
from inference.retrieval.candidates import count_sources
from inference.retrieval.sources.fresh import FRESH_COUNT
from tests.harness.catalog import NOW, act, item, reds_and_blues
from tests.harness.lists import candidates_of, catalog_of, names, unlike_all


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_a_click_on_red_finds_what_looks_alike(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"))

    assert {f"red-{n}" for n in range(1, 8)} <= names(catalog, found, "visual")
    assert count_sources(found.sources)["visual"] == len(names(catalog, found, "visual"))


def test_both_of_two_tastes_are_looked_for() -> None:
    crowded = catalog_of(
        *((f"r{n}", item(f"r{n}", looks=f"red-{n % 32}")) for n in range(200)),
        *((f"b{n}", item(f"b{n}", looks=f"blue-{n % 32}")) for n in range(200)),
    )
    found = candidates_of(crowded, act("r0", 3.0), act("r1", 3.0), act("b0"))

    visual = names(crowded, found, "visual")
    assert sum(name.startswith("r") for name in visual) > 30
    assert sum(name.startswith("b") for name in visual) > 30


def test_an_item_that_is_wanted_brings_what_looks_like_it() -> None:
    old = [(f"{colour}-{n}", item(f"{colour}-{n}")) for n in range(30) for colour in ("red", "blue")]
    new = [(f"new-{n}", replace(unlike_all(n, at_ms=NOW), item_id=f"new-{n}")) for n in range(FRESH_COUNT)]
    shop = catalog_of(*old, *new)
    without, found = (candidates_of(shop, dials=dials) for dials in (None, {"red-7": 0.5}))

    assert not {name for name in names(shop, without) if name.startswith("red")}
    assert {f"red-{n}" for n in range(30)} <= names(shop, found, "visual")
