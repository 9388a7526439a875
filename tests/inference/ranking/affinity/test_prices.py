"""The signal by price, on items whose prices are known."""

import numpy as np
import pytest

from features.recommendation import Reason
from inference.ranking.affinity.prices import budget_of
from tests.harness.catalog import act, item
from tests.harness.lists import about, catalog_of, ranked, slot_of, unlike_all
from tests.inference.ranking.affinity.test_attributes import strengths


def budget(*prices: float, currency: int = 1) -> tuple[float, float, int]:
    rows, weights = np.arange(len(prices)), np.full(len(prices), 1 / max(len(prices), 1), np.float32)
    return budget_of(rows, weights, np.array(prices, np.float32), np.full(len(prices), currency, np.int16))


def test_one_item_is_a_budget_within_a_factor_of_two() -> None:
    mean, spread, _ = budget(50.0)
    assert (np.exp(mean), np.exp(spread)) == (pytest.approx(50.0), pytest.approx(2.0))


def test_many_items_of_one_price_are_a_narrow_budget_and_of_many_prices_a_wide_one() -> None:
    assert np.exp(budget(*[50.0] * 30)[1]) == pytest.approx(np.exp(np.log(2) / np.sqrt(30)))
    mean, spread, _ = budget(10.0, 40.0)
    assert np.exp(mean) == pytest.approx(20.0)
    assert spread == pytest.approx(np.sqrt((np.log(2) ** 2 + np.log(2) ** 2) / 2))


@pytest.mark.parametrize("prices", [(), (np.nan,), (0.0,), (np.nan, 0.0)])
def test_items_without_a_price_are_no_budget(prices: tuple[float, ...]) -> None:
    assert budget(*prices) == (0.0, 0.0, 0)


def test_items_in_two_currencies_are_no_budget() -> None:
    rows, weights = np.arange(2), np.full(2, 0.5, np.float32)
    assert budget_of(rows, weights, np.array([5, 6], np.float32), np.array([1, 2], np.int16)) == (0.0, 0.0, 0)


def test_a_price_speaks_for_an_item_by_how_near_it_is_in_the_same_currency() -> None:
    offers = {
        40: (50.0, "EUR"),
        41: (100.0, "EUR"),
        42: (25.0, "EUR"),
        43: (50.0, "USD"),
        44: (50.0, None),
        45: (None, "EUR"),
    }
    catalog = catalog_of(
        ("red-0", item("red-0", price=50.0, currency="EUR")),
        *((f"i{n}", unlike_all(n, price=price, currency=currency)) for n, (price, currency) in offers.items()),
    )
    found = strengths(catalog, "red-0", signal="within_budget")
    assert found["i40"] == pytest.approx(1.0)
    assert [found["i41"], found["i42"]] == pytest.approx([np.exp(-0.5)] * 2)
    assert found["i43"] == found["i44"] == found["i45"] == 0


def test_the_reason_says_what_the_users_items_cost_in_the_middle() -> None:
    catalog = catalog_of(
        ("red-0", item("red-0", price=20.0, currency="EUR")),
        ("red-1", item("red-1", price=20.0, currency="EUR")),
        ("i40", unlike_all(40, category=None, price=20.0, currency="EUR")),
    )
    slot = slot_of(ranked(catalog, act("red-0"), act("red-1")), "i40")
    assert slot.reasons[0] == Reason(code="within_budget", price=20.0, currency="EUR", strength=about(1.0))
