from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.item import Item, key_of
from features.trends import NO_TRENDS
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.explain.explanation import Subject
from inference.ranking.rules import ListRules
from inference.recommender import Recommender
from inference.retrieval.candidates import generate_candidates
from inference.retrieval.cross import COMPARED_LIMIT, FOUND_LIMIT, Cross
from inference.retrieval.sources.cross import propose
from tests.harness.catalog import DIMENSIONS, NOW, act, item, profile_of
from tests.harness.lists import catalog_of, query_after, query_of, ranked, slot_of, steps_of

COLOURS, CATEGORIES = ("red", "blue", "green"), ("shoes", "bags", "lamps")
#: Users choose shoes and bags together, lamps alone.
TOGETHER = steps_of(
    u2="shoes-red-0 bags-red-0 shoes-blue-0 bags-blue-0", u3="bags-red-1 shoes-red-1", u4="lamps-red-0 lamps-red-1"
)


def look(category: str, colour: str, number: int) -> NDArray[np.float32]:
    """What the pictures of a category have in common outweighs the colour, and each has something of its own."""
    unit = np.zeros(DIMENSIONS, np.float32)
    unit[CATEGORIES.index(category)], unit[3 + COLOURS.index(colour)], unit[6 + number] = 0.8, 0.5, 0.33
    return unit / np.float32(np.linalg.norm(unit))


def thing(category: str, colour: str, number: int, *, in_stock: bool = True) -> tuple[str, Item]:
    name, vector = f"{category}-{colour}-{number}", look(category, colour, number)
    made = item("red-0", category=category, embedding=vector.astype("<f2").tobytes(), in_stock=in_stock)
    return name, replace(made, item_id=name)


def things(count: int = 8) -> list[tuple[str, Item]]:
    return [thing(category, colour, n) for category in CATEGORIES for colour in COLOURS for n in range(count)]


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*things())


def proposed(catalog: Catalog, clicked: Sequence[str], recent: RecentSteps | None = TOGETHER) -> dict[str, float]:
    found = propose(query_after(catalog, *map(act, clicked), recent_steps=recent))
    rows = zip(found.rows[0].tolist(), found.strengths.tolist(), strict=True) if len(found.strengths) else ()
    return {catalog.item_ids[row]: strength for row, strength in rows}


def test_liked_red_shoes_find_red_bags_and_no_lamps(catalog: Catalog) -> None:
    found = proposed(catalog, ["shoes-red-3"])

    assert len(found) == FOUND_LIMIT
    assert all(name.startswith("bags-red") for name in found)
    assert all(0 < strength <= 1 for strength in found.values())


def test_what_both_categories_have_in_common_counts_for_nothing() -> None:
    """Every blue bag looks more like a shoe than any red one does, and the liked shoe is red."""

    def shoe_like(name: str, made: Item) -> tuple[str, Item]:
        vector = made.vector("fake@1") + np.eye(DIMENSIONS, dtype=np.float32)[0] * np.float32("blue" in name)
        own = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        return name, replace(made, embeddings={"fake@1": own}) if name.startswith("bags") else made

    found = proposed(catalog_of(*(shoe_like(*each) for each in things())), ["shoes-red-3"])

    assert found
    assert all(name.startswith("bags-red") for name in found)


def test_the_reason_names_the_item_whose_look_it_is(catalog: Catalog) -> None:
    slot = slot_of(ranked(catalog, act("shoes-red-3"), recent_steps=TOGETHER, length=60), "bags-red-3")
    reason = next(each for each in slot.reasons if each.code == "goes_with")

    assert reason.item_id == "shoes-red-3"
    assert reason.strength is not None


def test_each_user_of_a_batch_has_the_own_interests(catalog: Catalog) -> None:
    one, nobody, other = (query_after(catalog, *acts) for acts in ([act("shoes-red-3")], [], [act("bags-blue-3")]))
    query = query_of(catalog, [each.profiles[0] for each in (one, nobody, other)], [1, 2, 3], recent_steps=TOGETHER)
    found = [[catalog.item_ids[row] for row in rows] for rows in propose(query).rows]

    assert [{name.rpartition("-")[0] for name in each} for each in found] == [{"bags-red"}, set(), {"shoes-blue"}]


def test_nothing_is_proposed_where_nobody_chose_across_categories(catalog: Catalog) -> None:
    assert proposed(catalog, ["lamps-red-3"]) == {}
    assert proposed(catalog, ["shoes-red-3"], RecentSteps(100)) == {}
    assert proposed(catalog, ["shoes-red-3"], None) == {}
    assert proposed(catalog, []) == {}


def test_what_cannot_be_shown_takes_no_room(catalog: Catalog) -> None:
    catalog.apply([thing("bags", "red", n, in_stock=False) for n in range(6)])

    assert {"bags-red-6", "bags-red-7"} < proposed(catalog, ["shoes-red-3"]).keys()
    assert not proposed(catalog, ["shoes-red-3"]).keys() & {f"bags-red-{n}" for n in range(6)}


def test_an_item_that_left_after_it_was_found_is_not_proposed(catalog: Catalog) -> None:
    query = query_after(catalog, act("shoes-red-3"), recent_steps=TOGETHER)
    first = propose(query)
    gone = catalog.item_ids[first.rows[0][0]]
    catalog.apply([(gone, None), thing("lamps", "blue", 9)])

    assert first.rows[0][0] >= 0
    assert propose(query).rows[0][0] == -1


def test_a_row_that_is_of_another_category_by_now_is_not_found(catalog: Catalog) -> None:
    query = query_after(catalog, act("shoes-red-3"), act("shoes-blue-3"), recent_steps=TOGETHER)
    assert query.cross is not None
    first, second = (catalog.row_of(name) or 0 for name in ("shoes-red-3", "shoes-red-4"))
    found = query.cross.of(first).keys
    name = catalog.item_ids[int(catalog.rows_of(found)[0])]
    # The best bag becomes a shoe; another one goes, and a shoe takes its row.
    other = catalog.item_ids[int(catalog.rows_of(found)[1])]
    catalog.apply([(name, replace(thing("shoes", "red", 20)[1], item_id=name))])
    catalog.apply([(other, None)])
    catalog.apply([thing("shoes", "red", 9)])
    later = query.cross.of(second).keys

    assert later.tolist()
    assert {catalog.categories[row] for row in catalog.rows_of(later)} == {catalog.category_code("bags")}


def test_the_only_item_of_a_category_has_no_look_of_its_own() -> None:
    shop = catalog_of(thing("shoes", "red", 0), *(each for each in things() if each[0].startswith("bags")))

    assert proposed(shop, ["shoes-red-0"], steps_of(u2="shoes-red-0 bags-red-0 bags-red-1 bags-red-2")) == {}


def test_of_a_large_category_some_are_compared_spread_over_it() -> None:
    many = [thing("bags", COLOURS[n % 3], n % 50) for n in range(3 * COMPARED_LIMIT)]
    unlike = [(f"bag-{n}", _turned(made, n)) for n, (_, made) in enumerate(many)]
    shop = catalog_of(*things(), *unlike)
    others = Cross(shop, {0: {1: 1.0}}, NOW)
    row = shop.row_of("shoes-red-3")
    assert row is not None
    compared = [n for n in range(len(unlike)) if others.strength(row, shop.row_of(f"bag-{n}") or 0) is not None]

    assert len(compared) <= COMPARED_LIMIT
    assert max(compared) - min(compared) > 2 * COMPARED_LIMIT


def _turned(made: Item, number: int) -> Item:
    """The same item with a picture that is a little different."""
    vector = made.vector("fake@1") + np.random.default_rng(number).standard_normal(DIMENSIONS) * 0.02
    own = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
    return replace(made, item_id=f"bag-{number}", embeddings={"fake@1": own})


def test_items_of_a_source_that_is_left_out_are_missing(catalog: Catalog) -> None:
    query = query_after(catalog, act("shoes-red-3"), recent_steps=TOGETHER)

    assert generate_candidates(query).cross_strengths.any()
    assert not generate_candidates(replace(query, without=frozenset({"cross"}))).cross_strengths.any()


def test_a_deployment_may_do_without(catalog: Catalog) -> None:
    def sources(*, wanted: bool) -> dict[str, int]:
        rules = ListRules(cross=wanted)
        recommender = Recommender(catalog, length=5, recent_steps=TOGETHER, rules=rules)
        prepared = recommender.prepare([profile_of(act("shoes-red-3"))], NOW)
        explained = recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW, Subject("bags-red-3", None)).item
        assert explained is not None
        return {each.source: each.proposals for each in explained.sources}

    assert sources(wanted=True)["cross"] == FOUND_LIMIT
    assert sources(wanted=False)["cross"] == 0
