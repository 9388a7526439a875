"""Lists that may have some items only."""

from dataclasses import replace
from typing import Any

from features.item import key_of
from features.search_filter import NO_FILTER, SearchFilter
from features.trends import NO_TRENDS
from inference.recommender import Recommender
from inference.retrieval.limits import limits
from tests.harness.catalog import NOW, act, profile_of, reds_and_blues
from tests.harness.lists import catalog_of

CATALOG = catalog_of(*reds_and_blues(30))
PROFILE = profile_of(act("red-0"), act("red-1"))


def listed(**asked: Any) -> list[str]:
    recommender = Recommender(CATALOG, length=10)
    prepared = recommender.prepare([PROFILE], NOW)
    (found,) = recommender.recommend(prepared, [1], {}, NO_TRENDS, NOW, **asked)
    return [item.item_id for item in found.ranking.items]


def test_a_list_is_as_long_as_asked_for() -> None:
    assert [len(listed(length=count)) for count in (1, 10, 25)] == [1, 10, 25]
    assert listed(length=10) == listed()


def test_pages_do_not_repeat_and_end_with_what_there_is() -> None:
    shown: list[str] = []
    while page := listed(length=10, within=SearchFilter(without=frozenset(map(key_of, shown)))):
        shown += page
    assert len(shown) == len(set(shown)) == 58  # all but the two that the user chose


def test_a_list_may_have_only_what_pictures_show() -> None:
    shoes = [
        (name, replace(each, tags=(("sandal", 0.9),))) for name, each in reds_and_blues(30)[::3] if each is not None
    ]
    assert not listed(length=20, within=SearchFilter(tag="shoe"))
    CATALOG.apply(shoes)
    found = listed(length=20, within=SearchFilter(tag="shoe"))
    assert len(found) == 19  # all but the one that the user chose
    assert {*found} < {name for name, _ in shoes}


def test_only_what_is_within_the_limits_is_listed_and_the_list_is_full() -> None:
    reds = listed(length=20, within=SearchFilter(category="red"))
    blues = listed(length=20, within=SearchFilter(category="blue"))
    assert (len(reds), {name[:4] for name in reds}) == (20, {"red-"})
    assert (len(blues), {name[:5] for name in blues}) == (20, {"blue-"})
    assert listed(within=SearchFilter(category="none such")) == []


def test_no_limits_are_no_mask() -> None:
    assert len(limits(CATALOG, NO_FILTER)) == 0
    assert limits(CATALOG, SearchFilter(min_price=0.0)).shape == CATALOG.keys.shape
