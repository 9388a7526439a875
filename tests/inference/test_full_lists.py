"""Catalogues as shops have them: what cannot be shown never takes the place of what can. Every list has 20 items."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.dials import NO_DIALS, turn
from features.item import Item, key_of
from features.profile import NEW, Action, Profile, profile_after
from features.search_filter import NO_FILTER, SearchFilter
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.catalog.copies import SAME_PICTURE
from inference.catalog.index import NullIndex, VectorIndex
from inference.catalog.search import find_similar
from inference.ranking.similar import SimilarRanker
from inference.recommender import Recommender
from tests.harness.catalog import DAY, NOW

WIDE, KINDS, LENGTH = 64, 20, 20
Looks = NDArray[np.float32]


def unit(vector: NDArray[np.floating]) -> Looks:
    scaled: Looks = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled


class Looking:
    """Draws pictures of some kinds: those of one kind look alike, and none is a copy of another."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._kinds = self._random.standard_normal((KINDS, WIDE)) / np.sqrt(WIDE)

    def like(self, kind: int, *, spread: float = 0.9) -> Looks:
        found = self._kinds[kind % KINDS] + spread * self._random.standard_normal(WIDE) / np.sqrt(WIDE)
        return unit(found)


LOOKING = Looking()
LOOKS = [LOOKING.like(number) for number in range(4000)]
PLACEHOLDER = LOOKING.like(0)


def item(name: str, looks: Looks, **facts: Any) -> Item:
    known = {
        "item_id": name,
        "changed_at_ms": NOW - 30 * DAY,
        "uploaded_at_ms": NOW - 30 * DAY,
        "owner": "shop",
        "embeddings": {"e@1": looks.astype("<f2").tobytes()},
    }
    return Item(**{**known, **facts})


def shop_of(items: Sequence[Item], index: VectorIndex | None = None) -> Catalog:
    catalog = Catalog(WIDE, index)
    catalog.apply([(each.item_id, each) for each in items])
    return catalog


def after(*acts: tuple[str, float]) -> Profile:
    actions = [Action(key_of(f"e{n}"), key_of(name), weight, NOW) for n, (name, weight) in enumerate(acts)]
    return profile_after(actions, NEW)


def feed(shop: Catalog, profile: Profile, user: str = "u", length: int = LENGTH) -> list[str]:
    recommender = Recommender(shop, length=length)
    (made,) = recommender.recommend(recommender.prepare([profile], NOW), [key_of(user)], {}, NO_TRENDS, NOW)
    names = [each.item_id for each in made.ranking.items]
    assert_can_be_shown(shop, names)
    return names


async def photo(shop: Catalog, looks: Looks, only: SearchFilter = NO_FILTER) -> list[str]:
    shop.advance(NOW)
    rows = await find_similar(shop, looks, LENGTH, only)
    names = [each.item_id for each in SimilarRanker().rank(looks, rows, shop, length=LENGTH, now_ms=NOW)]
    assert_can_be_shown(shop, names)
    return names


def assert_can_be_shown(shop: Catalog, names: Sequence[str]) -> None:
    """Nothing that is sold out, hidden or expired, and no two copies of a picture."""
    rows = shop.rows_of(np.array([key_of(name) for name in names], np.uint64))
    assert shop.available[rows].all()
    assert (shop.expires_ms[rows] > NOW).all()
    vectors = shop.pictures.vectors(rows)
    assert (vectors @ vectors.T - 2 * np.eye(len(rows))).max(initial=-1) < SAME_PICTURE


# Copies


@pytest.fixture(scope="module")
def copies() -> Catalog:
    """1,000 items that have no photo yet, and 2,000 that have one of their own."""
    without = [item(f"p{n}", PLACEHOLDER) for n in range(1000)]
    return shop_of([*without, *(item(f"o{n}", LOOKS[n]) for n in range(2000))])


@pytest.mark.parametrize(
    "acts", [[("p7", 1.0)], [("o1", 1.0), ("o2", 1.0), ("o3", 1.0), ("p7", 1.0)], [("p0", 1.0), ("p1", 1.0)], []]
)
def test_many_items_without_a_photo_leave_room_for_those_with_one(
    copies: Catalog, acts: list[tuple[str, float]]
) -> None:
    found = feed(copies, after(*acts))

    assert len(found) == LENGTH
    assert sum(name.startswith("p") for name in found) <= 1


async def test_a_photo_is_not_answered_with_copies(copies: Catalog) -> None:
    found = await photo(copies, PLACEHOLDER)

    assert len(found) == LENGTH
    assert [name[0] for name in found] == ["p"] + ["o"] * (LENGTH - 1)


def test_copies_that_were_uploaded_last_leave_room_in_the_list_of_a_stranger() -> None:
    new = [item(f"p{n}", PLACEHOLDER, uploaded_at_ms=NOW - n) for n in range(1000)]
    found = feed(shop_of([*new, *(item(f"o{n}", LOOKS[n]) for n in range(100))]), NEW)

    assert len(found) == LENGTH
    assert sum(name.startswith("p") for name in found) == 1


def nearly(looks: Looks, number: int) -> Looks:
    """A picture that was saved again: nearly the same vector."""
    noise = np.random.default_rng(number).standard_normal(WIDE) * 0.05 / np.sqrt(WIDE)
    return unit(looks + noise)


async def test_pictures_that_were_saved_again_are_copies_too() -> None:
    again = [item(f"p{n}", nearly(PLACEHOLDER, n)) for n in range(1000)]
    shop = shop_of([*again, *(item(f"o{n}", LOOKS[n]) for n in range(500))])

    assert len(feed(shop, after(("p7", 1.0)))) == LENGTH
    assert len(await photo(shop, PLACEHOLDER)) == LENGTH


def test_a_picture_is_shown_by_an_item_that_the_user_may_be_shown() -> None:
    shop = shop_of([item("mine", LOOKS[0], owner="u"), item("sold", LOOKS[0], in_stock=False), item("other", LOOKS[0])])

    assert feed(shop, NEW) == feed(shop, after(("mine", 1.0))) == ["other"]


async def test_a_picture_stays_while_one_of_its_items_can_be_shown() -> None:
    shop = shop_of([item(f"p{n}", PLACEHOLDER) for n in range(3)])
    for gone in ("p0", "p2"):
        shop.apply([(gone, None)])
        assert len(await photo(shop, PLACEHOLDER)) == len(feed(shop, NEW)) == 1
    shop.apply([("p1", item("p1", PLACEHOLDER, hidden=True))])
    assert await photo(shop, PLACEHOLDER) == feed(shop, NEW) == []
    shop.apply([("p1", item("p1", PLACEHOLDER))])
    assert await photo(shop, PLACEHOLDER) == feed(shop, NEW) == ["p1"]


# Expired, sold out, hidden


def offers(**gone: Any) -> list[Item]:
    """20,000 offers of which 50 can be shown; the others are as `gone` says."""
    return [item(f"c{n}", LOOKING.like(n), **({} if n % 400 == 7 else gone)) for n in range(20_000)]


@pytest.fixture(
    scope="module", params=[{"expires_at_ms": NOW - 1}, {"expires_at_ms": NOW}, {"in_stock": False}, {"hidden": True}]
)
def mostly_gone(request: pytest.FixtureRequest) -> Catalog:
    return shop_of(offers(**request.param))


@pytest.mark.parametrize("name", ["c7", "c3"])
async def test_few_living_offers_among_many_that_are_gone_fill_every_list(mostly_gone: Catalog, name: str) -> None:
    assert len(feed(mostly_gone, after((name, 1.0)))) == LENGTH
    assert len(feed(mostly_gone, NEW)) == LENGTH
    assert len(await photo(mostly_gone, LOOKS[3])) == LENGTH


def test_what_expired_leaves_the_index_and_the_counts_as_time_passes() -> None:
    shop = shop_of([item(f"c{n}", LOOKS[n], expires_at_ms=NOW + n) for n in range(1000)])
    for _ in range(3):
        shop.advance(NOW + 599)

    assert (shop.pictures.indexed, shop.counts().searchable, shop.counts().unavailable) == (400, 400, 600)
    assert len(shop.freshest(1000)) == len(shop.freshest(256))
    assert not set(shop.freshest(256).tolist()) & set(range(600))


def test_a_clock_that_is_set_back_brings_back_what_has_not_expired() -> None:
    shop = shop_of([item(f"c{n}", LOOKS[n], expires_at_ms=NOW + 5000) for n in range(30)])
    shop.advance(NOW + DAY)
    assert shop.counts().searchable == 0

    assert len(feed(shop, NEW)) == LENGTH
    assert (shop.pictures.indexed, shop.counts().searchable) == (30, 30)


def test_an_offer_that_is_made_longer_comes_back() -> None:
    shop = shop_of([item("c0", LOOKS[0], expires_at_ms=NOW)])
    assert feed(shop, NEW) == []

    shop.apply([("c0", item("c0", LOOKS[0], expires_at_ms=NOW + 1))])
    assert feed(shop, NEW) == ["c0"]


async def test_a_remembered_search_forgets_what_is_gone() -> None:
    shop = shop_of([item(f"o{n}", LOOKS[n]) for n in range(2000)])
    profile = after(("o0", 1.0))
    first = feed(shop, profile)
    shop.apply([(f"o{n}", None) for n in range(2000) if n % KINDS == 0 and f"o{n}" not in ("o0", "o1980")])
    found = feed(shop, profile)

    assert len(first) == len(found) == LENGTH
    assert "o1980" in found


# What one user must not be shown


def test_what_a_user_saw_leaves_room_for_what_she_did_not_see(copies: Catalog) -> None:
    own_kind = [f"o{n}" for n in range(0, 2000, KINDS)]
    acts = [*((name, 0.2) for name in own_kind[1:]), (own_kind[0], 1.0)]

    assert len(feed(copies, after(*acts))) == LENGTH


def test_what_a_user_owns_leaves_room_for_what_others_sell() -> None:
    own = [item(f"m{n}", LOOKING.like(0), owner="u", uploaded_at_ms=NOW - n) for n in range(2000)]
    shop = shop_of([*own, *(item(f"o{n}", LOOKS[n]) for n in range(100))])

    for profile in (NEW, after(("m3", 1.0))):
        found = feed(shop, profile, user="u")
        assert len(found) == LENGTH
        assert not any(name.startswith("m") for name in found)


def test_a_category_that_is_never_wanted_leaves_room_for_the_others() -> None:
    hats = [item(f"h{n}", LOOKING.like(0), category="hats", uploaded_at_ms=NOW - n) for n in range(2000)]
    shop = shop_of([*hats, *(item(f"o{n}", LOOKS[n], category="shoes") for n in range(100))])
    never = turn(NO_DIALS, [("hats", -1.0)])

    for profile in (NEW, after(("h3", 1.0))):
        found = feed(shop, replace(profile, dials=never))
        assert len(found) == LENGTH
        assert not any(name.startswith("h") for name in found)


def test_a_list_lacks_items_only_where_the_catalogue_has_no_more() -> None:
    shop = shop_of([item(f"o{n}", LOOKS[n]) for n in range(300)])
    seen = [f"o{n}" for n in range(250)]

    assert set(feed(shop, after(*((name, 0.2) for name in seen)), length=60)) == {f"o{n}" for n in range(250, 300)}


def test_a_long_list_is_full_as_well() -> None:
    shop = shop_of([item(f"o{n}", LOOKS[n]) for n in range(1000)])

    assert len(feed(shop, after(("o3", 1.0)), length=200)) == len(feed(shop, NEW, length=200)) == 200


def test_lists_of_a_batch_are_those_of_each_user_alone(copies: Catalog) -> None:
    profiles = [after(("p7", 1.0)), NEW, after(*((f"o{n}", 0.2) for n in range(200)))]
    recommender = Recommender(copies, length=LENGTH)
    made = recommender.recommend(recommender.prepare(profiles, NOW), [1, 2, 3], {}, NO_TRENDS, NOW)

    assert [[each.item_id for each in one.ranking.items] for one in made] == [feed(copies, each) for each in profiles]


def test_a_worker_whose_index_is_elsewhere_fills_its_lists_when_that_answers_nothing() -> None:
    shop = shop_of([item(f"o{n}", LOOKS[n]) for n in range(500)], NullIndex())

    assert len(feed(shop, after(("o1", 1.0), *((f"o{n}", 0.2) for n in range(450, 500))))) == LENGTH


async def test_where_there_are_few_pictures_each_stands_in_every_list_once() -> None:
    shop = shop_of([item(f"p{n}", LOOKS[n % 7], owner=f"s{n % 2}") for n in range(3000)])

    for profile in (NEW, after(("p7", 1.0)), after(("p7", 1.0), *((f"p{n}", 0.2) for n in range(20)))):
        assert len(feed(shop, profile, user="s0")) == len(feed(shop, profile, user="s1")) == 7
    assert len(await photo(shop, LOOKS[3])) == 7


# A search with limits


async def test_copies_leave_room_within_the_limits_of_a_search() -> None:
    cheap = [item(f"p{n}", PLACEHOLDER, category="hats", price=5.0) for n in range(500)]
    dear = [item(f"d{n}", LOOKS[n], category="hats", price=90.0) for n in range(100)]
    shop = shop_of([*cheap, *dear, *(item(f"o{n}", LOOKS[100 + n], category="hats", price=9.0) for n in range(50))])
    found = await photo(shop, PLACEHOLDER, SearchFilter("hats", max_price=10.0))

    assert len(found) == LENGTH
    assert [name[0] for name in found] == ["p"] + ["o"] * (LENGTH - 1)


async def test_of_a_picture_that_many_show_the_one_within_the_limits_is_found() -> None:
    shop = shop_of([item(f"p{n}", PLACEHOLDER, price=float(n)) for n in range(500)])

    assert await photo(shop, PLACEHOLDER, SearchFilter(min_price=321.0, max_price=321.5)) == ["p321"]
