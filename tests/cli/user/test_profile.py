from cli.user.profile import _interests
from inference.retrieval.tastes import find_tastes
from tests.harness.catalog import NOW, act, item, profile_of, reds_and_blues
from tests.harness.lists import catalog_of


def test_an_interest_is_named_by_what_its_item_shows_the_largest_first() -> None:
    catalog = catalog_of(*reds_and_blues(3))
    profile = profile_of(act("red-0"), act("blue-0"), act("blue-1", 2.0))
    tastes = find_tastes([profile], catalog, NOW)
    seen = {f"blue-{n}": item(f"blue-{n}", tags=(("gown", 0.9),), colours=(("navy", 0.8),)) for n in range(2)}
    blue, red = _interests(tastes, catalog, seen)
    assert (blue.tags, blue.colours) == (["dress"], ["navy"])
    assert str(blue) == f"{blue.share:.0%} navy dress like {blue.item_id}"
    assert str(red) == f"{red.share:.0%} things like red-0"
    assert blue.share > red.share


def test_a_stranger_has_no_interests() -> None:
    catalog = catalog_of(*reds_and_blues(1))
    assert _interests(find_tastes([profile_of()], catalog, NOW), catalog, {}) == []
