from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.item import key_of
from features.profile import Profile
from inference.catalog.catalog import Catalog
from inference.exploration.newcomers import KNOWN_FROM, MET
from inference.ranking.exploring import DRAWN
from inference.ranking.ranking import Ranking, WeightedRanker, rank
from inference.ranking.rules import ListRules
from inference.retrieval.candidates import generate_candidates
from tests.harness.catalog import DAY, NOW, act, item, profile_of
from tests.harness.lists import catalog_of, ids, query_of, ranked, unlike_all

REDS = {f"red-{n}": (5.0, 5.0) for n in range(30)}
NEW_ONES = [f"i{n}" for n in range(40, 46)]


@pytest.fixture
def shop() -> Catalog:
    """Reds that everybody knows, and six new items: three each of two other categories."""
    new = (unlike_all(n, at_ms=NOW, category="odd" if n % 2 else "even") for n in range(40, 46))
    return catalog_of(*((name, item(name)) for name in REDS), *((each.item_id, each) for each in new))


def explored(found: Ranking) -> dict[int, str]:
    return {slot: each.item_id for slot, each in enumerate(found.items) if each.explore}


def met_by(counts: dict[str, tuple[int, int]]) -> NDArray[np.void]:
    return np.array([(key_of(name), *each) for name, each in counts.items()], MET)


def lists_of_many(shop: Catalog, met: dict[str, tuple[int, int]], users: int = 200) -> Counter[str]:
    """How often each item is explored in the lists of users who like red."""
    known = {**dict.fromkeys(REDS, (60, 5)), **met}
    liking: list[Profile] = [profile_of(act("red-29"))] * users
    query = query_of(shop, liking, list(range(users)), trends=REDS, met=met_by(known))
    made = rank(WeightedRanker(), query, generate_candidates(query), length=10)
    return Counter(name for each in made for name in explored(each).values())


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.2, 0.3])
def test_a_list_explores_in_as_many_slots_as_its_share_says(shop: Catalog, share: float) -> None:
    rules = ListRules(explore_share=share)
    found = ranked(shop, act("red-29"), trends=REDS, length=20, rules=rules, met=met_by(dict.fromkeys(REDS, (60, 5))))

    assert list(explored(found)) == rules.explore_slots(20).tolist()
    assert set(explored(found).values()) <= set(NEW_ONES)
    assert len(set(ids(found))) == 20


def test_newcomers_that_are_listed_for_their_score_leave_fewer_slots(shop: Catalog) -> None:
    rules, met = ListRules(explore_share=0.3), met_by(dict.fromkeys(REDS, (60, 5)))
    found = ranked(shop, act("red-29"), trends=REDS, dials={"i40": 1.0}, rules=rules, met=met)

    assert "i40" in ids(found)
    assert len(explored(found)) == 2


def test_the_same_profile_gets_the_same_draws_and_the_next_event_others(shop: Catalog) -> None:
    profile = profile_of(act("red-29"))
    lists = []
    for count in [1, 1, *range(2, 40)]:
        query = query_of(
            shop, [replace(profile, count=count)], [7], trends=REDS, met=met_by(dict.fromkeys(REDS, (60, 5)))
        )
        lists.append(explored(rank(WeightedRanker(), query, generate_candidates(query), length=10)[0])[9])

    assert lists[0] == lists[1]
    assert set(lists) == set(NEW_ONES)


def test_what_many_met_or_what_is_old_is_not_explored(shop: Catalog) -> None:
    found = lists_of_many(shop, dict.fromkeys(NEW_ONES[1:], (KNOWN_FROM, 1)))
    shop.apply([("i40", unlike_all(40, at_ms=NOW - 4 * DAY))])

    assert found == {"i40": 200}
    assert not lists_of_many(shop, dict.fromkeys(NEW_ONES[1:], (KNOWN_FROM, 1)))


def test_what_is_chosen_more_often_is_explored_more_often(shop: Catalog) -> None:
    found = lists_of_many(shop, {"i40": (10, 5), "i42": (10, 0)})

    assert found["i40"] > 3 * found["i42"]
    assert found.total() == 200


def test_items_that_nobody_met_are_explored_by_what_is_known_of_their_category(shop: Catalog) -> None:
    """i40 and i41 are well known, one good and one bad: the others are drawn by their categories."""
    found = lists_of_many(shop, {"i40": (60, 40), "i41": (60, 0)})

    assert found["i42"] + found["i44"] > 3 * (found["i43"] + found["i45"])


def test_the_draw_decides_among_those_that_suit_the_user_best() -> None:
    """Ten of eleven new reds look like what the user likes; the new item that does not is never explored."""
    reds = [(f"red-{n}", item(f"red-{n}", at_ms=NOW if n >= 20 else NOW - 30 * DAY)) for n in range(32)]
    shop = catalog_of(*reds, ("i65", unlike_all(65, at_ms=NOW, category=None)))
    trends = {f"red-{n}": (5.0, 5.0) for n in range(20)}
    met = met_by(dict.fromkeys(trends, (60, 5)))
    lists = [
        explored(ranked(shop, act("red-0"), act("red-1"), user=f"u{n}", trends=trends, met=met)) for n in range(50)
    ]
    found = Counter(each.get(9) for each in lists)

    assert "i65" not in found
    assert 1 < len(found) <= DRAWN


def test_a_newcomer_takes_no_room_that_its_category_has_not(shop: Catalog) -> None:
    rules = ListRules(explore_share=0.5, category_cap=2)
    met = met_by(dict.fromkeys(REDS, (60, 5)))
    found = ranked(shop, act("red-29"), trends=REDS, length=12, rules=rules, met=met)
    counts = Counter("new" if name.startswith("i") else "red" for name in ids(found))

    assert counts["new"] == 4
    assert len(explored(found)) <= 4
