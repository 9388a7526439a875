"""What exclusions leave out of searches."""

import numpy as np
import pytest

from features.item import key_of
from features.search_filter import NOTHING_EXCLUDED, Excluded, SearchFilter
from inference.catalog.search import are_within
from inference.shop_rules.exclusions import excluded_by
from tests.harness.catalog import NOW, item
from tests.harness.lists import catalog_of
from tests.harness.shop_rules import rule, shop_rules


def test_what_stands_now_is_left_out_and_nothing_else() -> None:
    rules = shop_rules(
        rule("exclude", "a", items=["i1", "i2"]),
        rule("exclude", "b", owner="u1"),
        rule("exclude", "c", category="hats"),
        rule("exclude", "d", attribute={"brand": "Acme"}),
        rule("exclude", "e", category="bags", until="2025-01-01T00:00:00Z"),
        rule("boost", "f", weight=-1, category="shoes"),
    )

    assert excluded_by(rules, NOW) == Excluded(
        frozenset({key_of("i1"), key_of("i2")}),
        frozenset({key_of("u1")}),
        frozenset({"hats"}),
        frozenset({("brand", "Acme")}),
    )
    assert excluded_by(None, NOW) == NOTHING_EXCLUDED


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        (Excluded(items=frozenset({key_of("red-1")})), ["red-0", "blue-0", "bare"]),
        (Excluded(owners=frozenset({key_of("else")})), ["red-0", "red-1", "bare"]),
        (Excluded(categories=frozenset({"red", "unknown"})), ["blue-0", "bare"]),
        (Excluded(attributes=frozenset({("brand", "Acme"), ("no", "such")})), ["red-0", "red-1", "bare"]),
    ],
    ids=["items", "owners", "categories", "attributes"],
)
def test_a_search_leaves_out_what_is_excluded(excluded: Excluded, left: list[str]) -> None:
    shop = catalog_of(
        ("red-0", item("red-0")),
        ("red-1", item("red-1")),
        ("blue-0", item("blue-0", owner="else", attributes={"brand": "Acme"})),
        ("bare", item("red-2", item_id="bare", owner=None, category=None)),
    )
    names = ["red-0", "red-1", "blue-0", "bare"]
    rows = np.array([shop.row_of(name) for name in names])

    found = are_within(shop, rows, SearchFilter(excluded=excluded))
    assert [name for name, kept in zip(names, found.tolist(), strict=True) if kept] == left
