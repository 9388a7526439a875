from cli.user.profile import _shown
from inference.explain.in_words import in_words, with_looks
from state.profiles import StoredProfile
from tests.harness.catalog import act, item, profile_of, reds_and_blues
from tests.harness.lists import catalog_of


def test_an_interest_is_shown_by_its_first_colour_and_tag() -> None:
    profile = profile_of(act("red-0"), act("blue-0"), act("blue-1", 2.0))
    seen = {f"blue-{n}": item(f"blue-{n}", tags=(("gown", 0.9),), colours=(("navy", 0.8),)) for n in range(2)}
    words = with_looks(in_words(profile, catalog_of(*reds_and_blues(3))), seen)
    blue, red = _shown("u1", StoredProfile(0, 7, profile), words).interests
    assert str(blue) == f"{blue.share:.0%} navy dress like {blue.item_id}"
    assert str(red) == f"{red.share:.0%} things like red-0"
