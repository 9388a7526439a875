from inference.retrieval.sources.fresh import FRESH_COUNT
from tests.harness.catalog import DAY, NOW, item
from tests.harness.lists import candidates_of, catalog_of, names, unlike_all


def test_without_trends_a_new_user_gets_the_freshest() -> None:
    shop = catalog_of(*((f"i{n}", unlike_all(n, at_ms=NOW - n * DAY)) for n in range(60)))

    assert names(shop, candidates_of(shop), "fresh") == {f"i{n}" for n in range(FRESH_COUNT)}


def test_copies_of_one_picture_are_one_fresh_item() -> None:
    copies = [(f"copy-{n}", item(f"copy-{n}", looks="red-0", at_ms=NOW - n)) for n in range(1000)]
    shop = catalog_of(*copies, *((f"i{n}", unlike_all(n, at_ms=NOW - (n + 1) * DAY)) for n in range(60)))

    assert names(shop, candidates_of(shop), "fresh") == {"copy-0", *(f"i{n}" for n in range(FRESH_COUNT - 1))}
