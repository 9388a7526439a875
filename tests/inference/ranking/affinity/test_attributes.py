"""The signal by attributes, on items whose shares are known."""

import pytest

from features.recommendation import Reason
from inference.catalog.catalog import Catalog
from inference.ranking.signals import find_signals
from inference.ranking.weights import CODES
from inference.retrieval.candidates import generate_candidates
from tests.harness.catalog import act, item
from tests.harness.lists import about, catalog_of, query_after, ranked, slot_of, unlike_all

ACME, ZETA, LEATHER = {"brand": "Acme"}, {"brand": "Zeta"}, {"material": "leather"}


def shop(*attributes: dict[str, str]) -> Catalog:
    """Items i1, i2, … that look like nothing else, with these attributes."""
    return catalog_of(
        ("red-0", item("red-0", category=None, attributes=ACME | LEATHER)),
        ("red-1", item("red-1", category=None, attributes=ACME)),
        *((f"i{n}", unlike_all(n, category=None, attributes=each)) for n, each in enumerate(attributes, start=40)),
    )


def strengths(catalog: Catalog, *chosen: str, signal: str = "same_attribute") -> dict[str, float]:
    """The signal of each candidate of a user who chose these items."""
    query = query_after(catalog, *map(act, chosen))
    candidates = generate_candidates(query)
    found = find_signals(query, candidates)[CODES.index(signal)]
    return {catalog.item_ids[row]: float(value) for row, value in zip(candidates.rows, found, strict=True)}


def test_an_item_has_half_the_rarity_of_an_attribute_that_all_chosen_items_have() -> None:
    found = strengths(shop(ACME, ZETA, {}, {"brand": "acme"}), "red-0", "red-1")
    # Acme is the brand of 3 of 5 items with attributes.
    assert found == {"i40": pytest.approx(0.5 * 2 / 5), "i41": 0, "i42": 0, "i43": 0}


def test_each_shared_attribute_takes_its_part_of_what_is_left() -> None:
    found = strengths(shop(ACME | LEATHER, LEATHER, ZETA), "red-0")
    acme, leather = 0.5 * (1 - 3 / 5), 0.5 * (1 - 3 / 5)
    assert found["i41"] == pytest.approx(leather)
    assert found["i40"] == pytest.approx(1 - (1 - acme) * (1 - leather))


def test_what_every_item_has_says_nothing() -> None:
    assert set(strengths(shop(ACME, ACME), "red-0", "red-1").values()) == {0.0}


def test_without_attributes_there_is_no_signal() -> None:
    catalog = catalog_of(("red-0", item("red-0")), ("red-1", item("red-1")))
    assert strengths(catalog, "red-0") == {"red-1": 0.0}


def test_the_reason_names_the_attribute_that_says_most() -> None:
    catalog = shop(ACME | LEATHER, ACME, ACME, ZETA)
    slot = slot_of(ranked(catalog, act("red-0")), "i40")
    # Leather is rarer than Acme.
    strength = about(1 - (1 - 0.5 * 1 / 6) * (1 - 0.5 * 4 / 6))
    assert slot.reasons[0] == Reason(code="same_attribute", attribute="material", value="leather", strength=strength)


def test_what_pictures_show_is_a_signal_of_its_own_and_names_the_tag() -> None:
    shirt, hat = (("jersey", 0.8),), (("cowboy hat", 0.9),)
    catalog = catalog_of(
        ("red-0", item("red-0", category=None, tags=shirt)),
        ("i40", unlike_all(40, category=None, tags=shirt)),
        ("i41", unlike_all(41, category=None, tags=hat)),
        ("i42", unlike_all(42, category=None)),
    )
    strength = pytest.approx(0.5 * 1 / 3)
    assert strengths(catalog, "red-0", signal="same_tag") == {"i40": strength, "i41": 0, "i42": 0}
    assert set(strengths(catalog, "red-0").values()) == {0.0}
    slot = slot_of(ranked(catalog, act("red-0")), "i40")
    assert slot.reasons[0] == Reason(code="same_tag", tag="shirt", strength=about(0.5 / 3))


def test_more_attributes_than_an_item_may_have_of_a_user_with_many_items_are_told_apart() -> None:
    """640 pairs in a table of 1,024 places."""
    many = [(f"red-{n}", item(f"red-{n}", attributes={f"k{k}": f"v{n}" for k in range(20)})) for n in range(32)]
    catalog = catalog_of(
        *many, ("i60", unlike_all(60, attributes={"k3": "v7"})), ("i61", unlike_all(61, attributes=ZETA))
    )
    found = strengths(catalog, *(name for name, _ in many))
    assert found["i60"] > 0
    assert found["i61"] == 0
