from fnmatch import fnmatchcase
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from state.keys import names_of
from streams.wire.namespace import Namespace
from streams.wire.topics import ALL, INTERACTIONS

PREFIXES = st.from_regex(r"[A-Za-z0-9._-]{0,8}", fullmatch=True)


def test_all_names_of_an_app_begin_with_its_prefix() -> None:
    shop = Namespace("shop.")

    assert shop.topic(INTERACTIONS) == "shop.events.interactions"
    assert shop.group("items") == "shop.sightline-items"
    assert shop.profile_keys.position(3) == "sightline:shop.:{3}:position"
    assert shop.item_keys.position(3) == "sightline:shop.:{s3}:position"


def test_a_topic_is_named_in_short_without_the_prefix() -> None:
    assert Namespace("shop.").short_name("shop.events.items") == "events.items"
    assert not Namespace("shop.").has("other.events.items")


def test_without_a_prefix_the_names_are_the_contracts() -> None:
    assert Namespace().topic(INTERACTIONS) == "events.interactions"


def names(app: Namespace) -> set[str]:
    """The names of an app's topics, groups and of some keys of each kind."""
    values = ("position", "2:position", "profile:9c56", "item:{5}:position")
    kinds = (app.profile_keys, app.item_keys, app.profile_keys.within(2))
    keys = {keys.value(p, value) for keys, p, value in product(kinds, (0, 5, 55), values)}
    return keys | set(map(app.topic, ALL)) | set(map(app.group, ("interactions", "uploads", "items", "learning")))


@given(PREFIXES, PREFIXES)
def test_two_apps_share_no_name_whatever_they_are_called(one: str, other: str) -> None:
    ours, theirs = names(Namespace(one)), names(Namespace(other))
    assert ours == theirs if one == other else not ours & theirs
    for keys in (Namespace(one).profile_keys, Namespace(one).item_keys):
        # What a rebuild or a search for traces scans is the app's own.
        found = {name for name in theirs if name.startswith(keys.start) or fnmatchcase(name, f"{names_of(one)}*")}
        assert one == other or not found
