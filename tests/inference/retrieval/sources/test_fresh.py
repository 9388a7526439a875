from inference.retrieval.sources.fresh import FRESH_COUNT
from tests.harness.catalog import DAY, NOW, item
from tests.harness.lists import candidates_of, catalog_of, names


def test_without_trends_a_new_user_gets_the_freshest() -> None:
    shop = catalog_of(*((f"r{n}", item(f"r{n}", looks="red-0", at_ms=NOW - n * DAY)) for n in range(100)))

    assert names(shop, candidates_of(shop), "fresh") == {f"r{n}" for n in range(FRESH_COUNT)}
