from collections import Counter

import numpy as np
import pytest

from inference.catalog.catalog import Catalog
from inference.ranking.ranking import Ranking
from inference.ranking.rules import ListRules
from tests.harness.catalog import act, item, reds_and_blues
from tests.harness.lists import catalog_of, ids, ranked


def colours(found: Ranking) -> Counter[str]:
    return Counter(name.partition("-")[0] for name in ids(found))


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*reds_and_blues(12))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.15, 0.3, 0.5])
@pytest.mark.parametrize("length", [1, 5, 10, 20, 30, 200])
def test_no_first_part_of_a_list_explores_more_than_its_share(share: float, length: int) -> None:
    slots = ListRules(explore_share=share).explore_slots(length)

    assert len(slots) == int(length * share + 1e-9)
    assert all((slots < end).sum() <= end * share + 1e-9 for end in range(1, length + 1))


def test_a_list_has_no_more_of_a_category_than_it_may_and_is_full(shop: Catalog) -> None:
    free, capped = (ranked(shop, act("red-0"), rules=ListRules(category_cap=cap)) for cap in (None, 6))

    assert colours(free)["red"] > 6
    assert (colours(capped)["red"], len(capped.items)) == (6, 10)
    # Of each category the best stay, in their order.
    reds = [name for name in ids(free) if name.startswith("red")]
    assert [name for name in ids(capped) if name.startswith("red")] == reds[:6]


def test_where_nothing_else_is_left_a_category_fills_the_list() -> None:
    shop = catalog_of(*((f"red-{n}", item(f"red-{n}")) for n in range(12)), ("blue-0", item("blue-0")))
    found = ranked(shop, act("red-0"), rules=ListRules(category_cap=2))

    assert colours(found) == {"red": 9, "blue": 1}
    assert {name.partition("-")[0] for name in ids(found)[:3]} == {"red", "blue"}
    assert len(set(ids(found))) == 10


def test_a_cap_looks_beyond_the_candidates_with_the_best_scores() -> None:
    """The 31 reds are more than are compared for a list of four, and all come before the blues."""
    shop = catalog_of(
        *((f"red-{n}", item(f"red-{n}")) for n in range(32)), *((f"blue-{n}", item(f"blue-{n}")) for n in range(3))
    )
    found = ranked(shop, act("red-0"), act("red-1"), length=4, rules=ListRules(category_cap=1))

    assert colours(found) == {"red": 3, "blue": 1}
    assert ids(found)[1].startswith("blue")


def test_items_without_a_category_are_of_no_category() -> None:
    shop = catalog_of(*((f"red-{n}", item(f"red-{n}", category=None)) for n in range(12)))

    assert len(ranked(shop, act("red-0"), rules=ListRules(category_cap=1)).items) == 10


def test_a_list_has_no_more_items_of_an_owner_than_it_may() -> None:
    owners = {f"red-{n}": "ann" if n < 8 else "bob" for n in range(16)}
    shop = catalog_of(*((name, item(name, owner=owner)) for name, owner in owners.items()))
    found = ranked(shop, act("red-0"), rules=ListRules(owner_cap=3))

    # Six are within the cap; then nothing else is left.
    assert Counter(owners[name] for name in ids(found)[:6]) == {"ann": 3, "bob": 3}
    assert len(found.items) == 10


def test_a_cap_of_the_length_changes_nothing(shop: Catalog) -> None:
    assert ranked(shop, act("red-0"), rules=ListRules(category_cap=10, owner_cap=10)) == ranked(shop, act("red-0"))


def test_caps_hold_for_every_catalogue() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        kinds = random.integers(5, size=60)
        shop = catalog_of(
            *(
                (f"{c}-{n % 30}", item(f"{c}-{n % 30}", category=f"c{kinds[n]}", at_ms=n))
                for n in range(60)
                for c in ("red", "blue")[n // 30 : n // 30 + 1]
            )
        )
        found = ranked(shop, act("red-0"), rules=ListRules(category_cap=3))
        rows = np.array([shop.row_of(name) or 0 for name in ids(found)])

        assert (np.bincount(shop.categories[rows]).max(), len(rows)) == (3, 10)
