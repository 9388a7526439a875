import pytest

from features.dials import NEVER, NO_DIALS, turn
from features.item import key_of
from inference.catalog.catalog import Catalog
from inference.retrieval.preferences import NAMED_BY, find_wishes, named_dials, wished_items
from tests.harness.catalog import DIMENSIONS, item


@pytest.fixture
def shop() -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(
        [
            ("red-0", item("red-0")),
            ("red-1", item("red-1", owner="bob")),
            ("blue-0", item("blue-0")),
            ("blue-1", item("blue-1", owner=None, category=None)),
        ]
    )
    return catalog


def wishes_of(shop: Catalog, **named: float) -> dict[str, tuple[float, str]]:
    """The weight and by what it is named, by item, where there is one; `red_0` stands for red-0."""
    dials = turn(NO_DIALS, [(name.replace("_", "-"), weight) for name, weight in named.items()])
    rows = shop.rows_of(turn(NO_DIALS, [(name, 1) for name in shop.item_ids])["key"])
    found = find_wishes(dials, rows, shop)
    return {
        shop.item_ids[row]: (weight, NAMED_BY[code])
        for row, weight, code in zip(rows, found.weights.tolist(), found.named_by.tolist(), strict=True)
        if weight
    }


def test_a_dial_names_an_item_an_owner_or_a_category(shop: Catalog) -> None:
    assert wishes_of(shop, red_0=0.5) == {"red-0": (0.5, "item")}
    assert wishes_of(shop, bob=-0.5) == {"red-1": (-0.5, "owner")}
    assert wishes_of(shop, blue=0.25) == {"blue-0": (0.25, "category")}


def test_a_name_that_nothing_has_changes_nothing(shop: Catalog) -> None:
    assert wishes_of(shop, green=1.0) == {}


def test_of_several_dials_the_strongest_counts(shop: Catalog) -> None:
    found = wishes_of(shop, red=-0.75, bob=0.5, red_0=0.5)

    assert found == {"red-0": (-0.75, "category"), "red-1": (-0.75, "category")}


def test_of_equally_strong_dials_the_most_specific_counts(shop: Catalog) -> None:
    found = wishes_of(shop, red=NEVER, bob=1.0, red_0=1.0)

    assert found == {"red-0": (1.0, "item"), "red-1": (1.0, "owner")}


def test_items_that_are_wanted_come_by_their_weight(shop: Catalog) -> None:
    dials = turn(NO_DIALS, [("red-0", 0.5), ("blue-0", 1.0), ("blue-1", -0.5), ("red", 1.0), ("gone", 1.0)])

    assert [shop.item_ids[row] for row in wished_items(dials, shop)] == ["blue-0", "red-0"]


def test_dials_are_named_where_the_catalogue_has_the_name(shop: Catalog) -> None:
    dials = turn(NO_DIALS, [("red-0", 0.3), ("blue", -1.0), ("bob", 0.5)])

    assert named_dials(dials, shop) == {"red-0": 0.3, "blue": -1.0, f"#{key_of('bob'):016x}": 0.5}
    assert list(named_dials(dials, shop)) == ["red-0", "blue", f"#{key_of('bob'):016x}"]


def test_who_has_no_dials_has_no_names(shop: Catalog) -> None:
    assert named_dials(NO_DIALS, shop) == {}
