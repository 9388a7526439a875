from dataclasses import replace

import numpy as np
import pytest

from features.behaviour import UNKNOWN, Behaviour, Engagement
from features.dials import NO_DIALS, turn
from features.item import key_of
from features.ledger import EMPTY
from features.profile import NEW, Profile
from features.trends import NO_TRENDS, update_trends
from inference.catalog.catalog import Catalog
from inference.ranking.features import FEATURES
from inference.recommender import Prepared, Recommended, Recommender
from tests.harness.catalog import DAY, DIMENSIONS, ENCODER, NOW, act, item, profile_of, reds_and_blues
from tests.harness.engagements import apply_engagement
from tests.harness.lists import catalog_of, ids, slot_of

RED, BLUE = profile_of(act("red-0")), profile_of(act("blue-0"))


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def made(recommender: Recommender, prepared: Prepared) -> list[Recommended]:
    users = [key_of(f"u{number}") for number in range(len(prepared.profiles))]
    return recommender.recommend(prepared, users, {}, NO_TRENDS, NOW)


def lists_of(recommender: Recommender, *profiles: Profile) -> list[list[str]]:
    return [ids(each.ranking) for each in made(recommender, recommender.prepare(profiles, NOW))]


def test_each_profile_gets_its_list(shop: Catalog) -> None:
    red, blue, nobody = lists_of(Recommender(shop, length=5), RED, BLUE, NEW)

    assert {name.partition("-")[0] for name in red} == {"red"}
    assert {name.partition("-")[0] for name in blue} == {"blue"}
    assert len(nobody) == 5


def test_a_list_comes_with_counts_of_its_candidates(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    (found,) = made(recommender, recommender.prepare([RED], NOW))

    assert tuple(found.proposed) == recommender.sources
    assert (found.proposed["visual"], sum(found.proposed.values())) == (15, 15)
    assert found.filtered == {"seen": 1}


def test_behaviours_are_needed_of_the_items_that_users_engaged_with_last() -> None:
    needed = Recommender(Catalog(DIMENSIONS), length=5).needed([RED, NEW, profile_of(act("blue-0"), act("red-0"))])

    assert needed == {key_of("red-0"), key_of("blue-0")}


def test_behaviours_bring_what_others_chose_next(shop: Catalog) -> None:
    recommender = Recommender(shop, length=20)
    behaviour = apply_engagement(UNKNOWN, Engagement(0, NOW, 1.0, ((key_of("blue-3"), 8.0),), 0, 0))
    prepared = recommender.prepare([RED], NOW)
    (found,) = recommender.recommend(prepared, [key_of("u1")], {key_of("red-0"): behaviour}, NO_TRENDS, NOW)

    assert slot_of(found.ranking, "blue-3").reasons[0].code == "chosen_after"


def test_what_trended_fades_though_the_table_stays_as_it_is(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    table = update_trends(NO_TRENDS, {key_of("blue-3"): Behaviour(EMPTY, 9.0, 9.0, NOW)}, NOW)

    def sources(now_ms: int) -> set[str]:
        (found,) = recommender.recommend(recommender.prepare([NEW], now_ms), [key_of("u1")], {}, table, now_ms)
        return {each.source for each in found.ranking.items}

    assert "trending" in sources(NOW)
    assert "trending" not in sources(NOW + DAY // 2)


def test_look_alikes_are_needed_of_medoids_and_of_items_that_were_asked_for(shop: Catalog) -> None:
    wishing = replace(RED, dials=turn(NO_DIALS, [("blue-1", 1.0), ("blue-2", -1.0), ("gone", 1.0)]))
    medoids = Recommender(shop, length=5).prepare([RED, NEW, wishing], NOW).medoids()

    assert [[shop.item_ids[row] for row in rows] for rows in medoids] == [["red-0"], [], ["red-0", "blue-1"]]


def test_tastes_are_worked_out_once_while_the_catalogue_stays_as_it_is(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    # The tastes of other profiles show which of them a list is made from.
    prepared = replace(recommender.prepare([BLUE], NOW), profiles=[RED])

    assert all(name.startswith("blue") for name in ids(made(recommender, prepared)[0].ranking))


def test_tastes_are_worked_out_again_when_the_catalogue_changed_meanwhile(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    prepared = recommender.prepare([RED], NOW)
    row = shop.row_of("red-0")
    # The row of the item that the user likes becomes that of an unlike one, and the item gets another row.
    shop.apply([("red-0", None)])
    shop.apply([("blue-30", item("blue-30"))])
    shop.apply([("red-0", item("red-0"))])
    assert shop.row_of("blue-30") == row

    found = ids(made(recommender, prepared)[0].ranking)

    assert found == lists_of(recommender, RED)[0]
    assert all(name.startswith("red") for name in found)


def test_a_list_of_a_change_in_between_equals_one_without_waiting(shop: Catalog) -> None:
    recommender = Recommender(shop, length=20)
    prepared = recommender.prepare([RED, NEW, BLUE], NOW - 50)
    shop.apply([("red-9", item("red-9")), ("red-0", None)])

    again = made(recommender, prepared)
    at_once = made(recommender, recommender.prepare([RED, NEW, BLUE], NOW))

    assert [each.ranking for each in again] == [each.ranking for each in at_once]


def test_each_stage_ends_once_and_in_order(shop: Catalog) -> None:
    recommender, ended = Recommender(shop, length=5), list[str]()
    recommender.recommend(recommender.prepare([RED], NOW), [0], {}, NO_TRENDS, NOW, ended.append)

    assert ended == ["candidates", "rank"]


def test_lists_name_the_encoder_and_the_ranker(shop: Catalog) -> None:
    assert Recommender(shop, length=5).model == {"encoder": ENCODER, "ranker": "weighted@2"}
    assert Recommender(Catalog(DIMENSIONS), length=5).model["encoder"] == "none"


def test_what_is_studied_is_each_users_candidates_and_the_place_of_an_item_among_them(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    profiles = [RED, BLUE, NEW]
    prepared, users = recommender.prepare(profiles, NOW), [key_of(f"u{number}") for number in range(3)]
    of_red, of_blue, of_nobody = recommender.study(["red-3", "blue-0", "red-9"], prepared, users, {}, NO_TRENDS, NOW)

    assert of_red is not None
    features, chosen = of_red
    assert features.shape == (15, len(FEATURES))
    looks = features[:, FEATURES.index("looks_like")]
    assert looks[chosen] > np.median(looks)
    # One was clicked before, the other is in no catalogue.
    assert (of_blue, of_nobody) == (None, None)
