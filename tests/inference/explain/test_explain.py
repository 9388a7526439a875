from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from features.behaviour import Behaviour
from features.dials import NO_DIALS, turn
from features.item import Item, key_of
from features.ledger import EMPTY
from features.profile import IMPRESSION, NEW, Action, Profile
from features.trends import NO_TRENDS, update_trends
from inference.catalog.catalog import Catalog
from inference.explain.explanation import Explanation, ItemExplanation, Obstacle, Subject
from inference.ranking.penalties import PASSED_HALF, PASSED_WEIGHT
from inference.ranking.ranking import RULES
from inference.ranking.rules import ListRules
from inference.ranking.weights import WEIGHTS
from inference.recommender import Recommender
from tests.harness.catalog import (
    DIMENSIONS,
    ENCODER,
    MINUTE,
    NOW,
    act,
    item,
    profile_of,
    reds_and_blues,
    vector,
    without_picture,
)
from tests.harness.lists import about, at_angle, catalog_of, chosen_after, unlike_all

RED = profile_of(act("red-0"))


def explained(
    catalog: Catalog,
    profile: Profile,
    name: str | None = None,
    *,
    stored: Item | None = None,
    length: int = 5,
    behaviours: Mapping[str, Behaviour] | None = None,
    trends: Mapping[str, tuple[float, float]] | None = None,
    rules: ListRules = RULES,
) -> Explanation:
    """What the recommender says of the list of user u1, after the same list was made the ordinary way."""
    recommender = Recommender(catalog, length=length, rules=rules)
    table = {key_of(each): Behaviour(EMPTY, *sums, NOW) for each, sums in (trends or {}).items()}
    known = {key_of(each): behaviour for each, behaviour in (behaviours or {}).items()}
    risen = update_trends(NO_TRENDS, table, NOW)
    (made,) = recommender.recommend(recommender.prepare([profile], NOW), [key_of("u1")], known, risen, NOW)
    subject = None if name is None else Subject(name, stored)
    found = recommender.explain(recommender.prepare([profile], NOW), key_of("u1"), known, risen, NOW, subject)
    assert [slot.item for slot in found.slots] == made.ranking.items
    assert (dict(found.filtered), found.candidates) == (made.filtered, len(made.sources))
    return found


def why(catalog: Catalog, profile: Profile, name: str, **facts: Any) -> ItemExplanation:
    found = explained(catalog, profile, name, **facts).item
    assert found is not None
    return found


def obstacles(catalog: Catalog, profile: Profile, name: str, **facts: Any) -> list[Obstacle]:
    found = why(catalog, profile, name, **facts)
    assert (found.verdict, found.standing) == ("not_a_candidate", None)
    return list(found.obstacles)


def with_dials(profile: Profile, **dials: float) -> Profile:
    return replace(profile, dials=turn(NO_DIALS, [(name.replace("_", "-"), each) for name, each in dials.items()]))


def codes(found: ItemExplanation) -> dict[str, str]:
    return {each.source: each.code for each in found.sources}


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_each_slot_has_its_signals_with_their_shares_of_the_score(shop: Catalog) -> None:
    found = explained(shop, RED, trends={"red-1": (9.0, 9.0)})
    slot = next(each for each in found.slots if each.item.item_id == "red-1")
    parts = {part.code: part for part in slot.score.signals}

    assert set(parts) == {"looks_like", "same_category", "trending", "popular"}
    assert (parts["trending"].value, parts["trending"].adds) == (1.0, about(WEIGHTS["trending"]))
    assert sum(part.adds for part in parts.values()) == about(slot.item.score)
    assert sum(part.share or 0.0 for part in parts.values()) == about(1.0)
    assert (slot.score.score, slot.score.others) == (slot.item.score, about(0.0))
    assert set(slot.proposed_by) == {"visual", "trending", "fresh", "popular"}


def test_what_likeness_to_a_refused_item_costs_is_no_signal(shop: Catalog) -> None:
    found = explained(shop, profile_of(act("red-0"), act("red-1", -3.0)))
    slot = next(each for each in found.slots if each.item.item_id.startswith("red"))

    assert slot.score.others == about(-(0.7 - 0.6) / 0.4)
    assert sum(part.adds for part in slot.score.signals) + slot.score.others == about(slot.item.score)


def test_an_item_of_the_list_is_found_in_its_slot(shop: Catalog) -> None:
    found = explained(shop, RED, "red-2")
    assert found.item is not None
    slot = found.slots[(found.item.slot or 0) - 1]

    assert (found.item.verdict, slot.item.item_id) == ("in_list", "red-2")
    assert codes(found.item)["visual"] == "proposed"


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        (None, "not_in_catalogue"),
        (Item("new", NOW, deleted=True), "deleted"),
        (Item("new", NOW, hidden=True), "not_described"),
        (Item("new", NOW, title="a title"), "not_read_yet"),
        (item("new", looks="red-1"), "not_read_yet"),
    ],
)
def test_an_item_without_a_row_is_no_candidate(shop: Catalog, stored: Item | None, code: Any) -> None:
    assert obstacles(shop, RED, "new", stored=stored) == [Obstacle(code)]


@pytest.mark.parametrize(
    ("this", "code"),
    [
        (without_picture("red-9"), "no_picture"),
        (item("red-9", encoder="other@1"), "other_encoder"),
        (item("red-9", encoder="other@1", embedding=bytes(8)), "other_encoder"),
    ],
)
def test_of_an_item_without_a_vector_looks_say_nothing_and_all_else_does(this: Item, code: str) -> None:
    shop = catalog_of(*reds_and_blues(8), ("red-9", this))
    found = why(shop, RED, "red-9", stored=this, trends={"red-9": (9.0, 9.0)}, length=20)

    assert (found.verdict, list(found.obstacles)) == ("in_list", [])
    assert codes(found)["visual"] == code
    assert codes(found)["trending"] == codes(found)["fresh"] == "proposed"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"hidden": True}, [Obstacle("hidden_item")]),
        ({"in_stock": False}, [Obstacle("out_of_stock")]),
        ({"expires_at_ms": NOW - MINUTE}, [Obstacle("expired", at_ms=NOW - MINUTE)]),
        ({"owner": "u1"}, [Obstacle("own")]),
        (
            {"hidden": True, "in_stock": False, "expires_at_ms": NOW, "owner": "u1"},
            [Obstacle("hidden_item"), Obstacle("out_of_stock"), Obstacle("expired", at_ms=NOW), Obstacle("own")],
        ),
    ],
)
def test_an_item_that_filters_take_out_is_no_candidate(facts: dict[str, Any], expected: list[Obstacle]) -> None:
    this = item("red-1", **facts)
    shop = catalog_of(("red-1", this), *[each for each in reds_and_blues(8) if each[0] != "red-1"])

    assert obstacles(shop, RED, "red-1", stored=this) == expected


def test_an_unavailable_item_of_which_nothing_is_stored_is_just_unavailable() -> None:
    shop = catalog_of(*reds_and_blues(2), ("red-5", item("red-5", hidden=True)))

    assert obstacles(shop, RED, "red-5") == [Obstacle("unavailable")]


def test_what_was_seen_is_no_candidate(shop: Catalog) -> None:
    since = [act(f"other-{n}", 0.2) for n in range(300)]

    assert obstacles(shop, RED, "red-0") == [Obstacle("seen")]
    assert obstacles(shop, profile_of(act("red-3", 0.2), *since), "red-3") == [Obstacle("seen", long_ago=True)]


def test_what_was_refused_is_no_candidate(shop: Catalog) -> None:
    since = [*(act(f"other-{n}", -3.0) for n in range(40)), *(act(f"other-{n}", 0.2) for n in range(300))]

    assert obstacles(shop, profile_of(act("red-1", -3.0)), "red-1") == [Obstacle("refused"), Obstacle("seen")]
    assert obstacles(shop, profile_of(act("red-1", -3.0), *since), "red-1")[0] == Obstacle("refused", long_ago=True)


def test_what_a_dial_turned_off_is_no_candidate() -> None:
    shop = catalog_of(*reds_and_blues(4), ("blue-9", item("blue-9", owner="bob")))

    assert obstacles(shop, with_dials(RED, blue=-1.0), "blue-1") == [
        Obstacle("never", named_by="category", name="blue")
    ]
    assert obstacles(shop, with_dials(RED, bob=-1.0), "blue-9") == [Obstacle("never", named_by="owner")]
    assert obstacles(shop, with_dials(RED, blue_1=-1.0), "blue-1") == [Obstacle("never", named_by="item")]


def test_a_copy_of_a_picture_that_has_a_slot_names_the_slot() -> None:
    shop = catalog_of(*reds_and_blues(3), ("twin", replace(item("red-1"), item_id="twin")))
    found = explained(shop, RED)
    shown = {slot.item.item_id: slot.slot for slot in found.slots}
    (first,), (second,) = shown.keys() & {"red-1", "twin"}, {"red-1", "twin"} - shown.keys()
    answer = why(shop, RED, second)

    assert answer.verdict == "copy"
    assert answer.repeats is not None
    assert (answer.repeats.item_id, answer.repeats.slot, answer.repeats.costs) == (first, shown[first], None)


@pytest.fixture
def crowd() -> Catalog:
    """A hundred items that look like red-0, each somewhat less; an unlike old one, which no source proposes."""
    return catalog_of(("red-0", item("red-0")), *map(near, range(100)), ("blue-0", item("blue-0")))


def near(number: int) -> tuple[str, Item]:
    """An item like red-0, and unlike the others of its kind; one of a lower number is more like it, and newer."""
    cosine = 0.9 - number / 250
    looks = cosine * vector("red-0")
    own = np.random.default_rng(number).standard_normal(DIMENSIONS - 4)
    looks[4:] = own / np.linalg.norm(own) * np.sqrt(1 - cosine**2)
    embeddings = {ENCODER: looks.astype("<f2").tobytes()}
    this = item("red-0", at_ms=NOW - number * MINUTE)
    return f"near-{number}", replace(this, item_id=f"near-{number}", embeddings=embeddings)


def test_an_item_that_no_source_proposes_has_the_answer_of_each(crowd: Catalog) -> None:
    trends = {f"near-{n}": (50.0 - n, 50.0 - n) for n in range(40)} | {"blue-0": (1.0, 0.0)}
    behaviours = {"red-0": chosen_after(red_9=1.0)}
    found = why(crowd, RED, "blue-0", trends=trends, behaviours=behaviours)
    visual, neighbours, _, _, _, _, trending, fresh, popular = found.sources

    assert found.verdict == "not_proposed"
    assert (visual.code, visual.similarity) == ("less_similar", about(0.0))
    assert visual.weakest is not None
    assert visual.weakest > 0.5
    assert (neighbours.code, neighbours.latest, neighbours.known) == ("no_neighbour", 1, 1)
    assert (trending.code, trending.rank) == ("no_engagement", None)
    assert (popular.code, popular.rank, popular.proposals) == ("lower_rank", 41, 32)
    assert (fresh.code, fresh.rank, fresh.proposals) == ("lower_rank", 101, 32)


def test_looks_are_compared_with_what_the_same_interest_proposes(crowd: Catalog) -> None:
    """The blue interest proposes 80 items, too, most of which are nearer to the red one, but not among its 80."""
    user = profile_of(act("blue-0"), act("red-0"))
    answers = (why(crowd, user, f"near-{n}").sources[0] for n in range(80, 100))
    visual = next(each for each in answers if each.code == "less_similar")

    assert visual.similarity is not None
    assert visual.weakest is not None
    assert visual.similarity <= visual.weakest


def test_what_rises_no_more_is_said_to_be_behind_nothing(crowd: Catalog) -> None:
    answers = why(crowd, RED, "blue-0", trends={"blue-0": (9.0, 0.04)}).sources
    trending = next(each for each in answers if each.source == "trending")

    assert (trending.code, trending.rank, trending.proposals) == ("no_engagement", None, 0)


def test_what_cannot_be_shown_is_said_to_be_behind_nothing(crowd: Catalog) -> None:
    """It is more popular and newer than what is proposed, and looks more like the user's item."""
    hidden = replace(near(0)[1], hidden=True)
    crowd.apply([("near-0", hidden)])
    trends = {f"near-{n}": (50.0 - n, 50.0 - n) for n in range(40)}
    answers = codes(why(crowd, RED, "near-0", stored=hidden, trends=trends))

    assert {answers[source] for source in ("visual", "trending", "fresh", "popular")} == {"not_proposed"}


def test_sources_without_a_starting_point_say_so(crowd: Catalog) -> None:
    answers = codes(why(crowd, NEW, "blue-0"))

    assert (answers["visual"], answers["neighbours"]) == ("no_interests", "nothing_chosen")


def test_a_source_says_which_item_of_the_same_picture_it_proposes() -> None:
    shop = catalog_of(
        *reds_and_blues(2), *[(f"twin-{n}", replace(item("blue-1"), item_id=f"twin-{n}")) for n in range(4)]
    )
    found = why(shop, RED, "twin-3", trends={"blue-1": (9.0, 9.0)})
    popular = next(each for each in found.sources if each.source == "popular")

    assert (popular.code, popular.item_id) == ("same_picture", "blue-1")


def test_an_item_ranked_below_the_last_slot_is_compared_with_it() -> None:
    shop = catalog_of(*((f"i{n}", unlike_all(n)) for n in range(12)))
    found = why(shop, NEW, "i9", trends={f"i{n}": (20.0 - n, 0.0) for n in range(12)})
    standing = found.standing

    assert found.verdict == "below_last_slot"
    assert standing is not None
    assert (standing.rank, standing.candidates, standing.compared) == (10, 12, 12)
    assert (standing.last.slot, standing.last.item.item_id) == (5, "i4")
    ours, theirs = ({part.code: part.value for part in each.signals} for each in (standing.score, standing.last.score))
    assert ours["popular"] == about(11 / 20)
    assert theirs["popular"] == about(16 / 20)
    assert standing.score.score < standing.last.score.score


def test_an_item_that_repeats_a_slot_is_pushed_down_by_diversity() -> None:
    """Its score is the second, but it looks nearly like the first; others look like nothing else."""
    close = at_angle("close", 0.95)
    shop = catalog_of(("red-0", item("red-0")), ("close", close), *((f"i{n}", unlike_all(n)) for n in range(20, 24)))
    trends = {"red-0": (20.0, 0.0), "close": (19.0, 0.0)} | {f"i{n}": (35.0 - n, 0.0) for n in range(20, 24)}
    found = why(shop, NEW, "close", trends=trends, length=3)

    assert found.verdict == "diversity"
    assert found.repeats is not None
    assert (found.repeats.item_id, found.repeats.slot, found.repeats.similarity) == ("red-0", 1, about(0.95))
    assert found.repeats.costs == about(0.35)
    assert found.standing is not None
    assert found.standing.rank == 2
    assert found.standing.score.score > found.standing.last.score.score


def test_an_item_whose_category_has_all_the_slots_it_may_is_capped(shop: Catalog) -> None:
    rules = ListRules(category_cap=3)
    found = why(shop, RED, "red-4", rules=rules)

    assert found.verdict == "capped"
    assert [each.item.item_id.partition("-")[0] for each in explained(shop, RED, rules=rules).slots].count("red") == 3
    assert why(shop, RED, "blue-7", rules=rules).verdict != "capped"
    assert why(shop, RED, "red-7", length=20, rules=rules).verdict == "in_list"


def test_what_was_passed_over_is_among_what_belongs_to_no_signal(shop: Catalog) -> None:
    seen = Action(1, key_of("red-1"), IMPRESSION, NOW, most=IMPRESSION)
    found = explained(shop, profile_of(act("blue-0"), seen), length=20)
    slot = next(each for each in found.slots if each.item.item_id.startswith("red"))

    assert slot.score.others == about(-PASSED_WEIGHT * 0.25 / (0.25 + PASSED_HALF))
    assert sum(part.adds for part in slot.score.signals) + slot.score.others == about(slot.item.score)


def test_a_list_says_in_its_explanation_what_likeness_to_refused_items_pushed_out(shop: Catalog) -> None:
    trends = {"red-0": (9.0, 0.0)} | {f"blue-{n}": (8.0, 0.0) for n in range(4)}
    found = explained(shop, profile_of(act("red-7", -3.0)), trends=trends, length=4)

    assert found.filtered == {"hidden": 1, "like_refused": 1}


def test_the_slot_that_explores_is_not_the_last_one_by_score() -> None:
    new = unlike_all(40, at_ms=NOW)
    shop = catalog_of(*((f"i{n}", unlike_all(n)) for n in range(14)), ("i40", new))
    found = explained(shop, NEW, "i12", trends={f"i{n}": (20.0 - n, 0.0) for n in range(14)}, length=10)
    assert found.item is not None

    assert (found.slots[-1].item.item_id, found.slots[-1].item.explore) == ("i40", True)
    assert found.item.standing is not None
    assert found.item.standing.last.item.item_id == "i8"


def test_an_unknown_user_and_one_who_opted_out_are_marked(shop: Catalog) -> None:
    nobody = explained(shop, NEW)
    opted_out = explained(shop, replace(NEW, privacy=replace(NEW.privacy, opted_out=True)))

    assert (nobody.known, nobody.opted_out, len(nobody.slots)) == (False, False, 5)
    assert (opted_out.known, opted_out.opted_out) == (False, True)
    assert explained(shop, RED).known
    assert explained(shop, with_dials(NEW, red=1.0)).known


def test_an_empty_catalogue_has_an_explanation() -> None:
    found = explained(Catalog(DIMENSIONS), RED, "red-1", stored=item("red-1"))

    assert (found.slots, found.candidates, found.model["encoder"]) == ([], 0, "none")
    assert found.item is not None
    assert found.item.obstacles == [Obstacle("not_read_yet")]


def test_where_everything_is_seen_the_list_is_empty_and_says_why() -> None:
    found = why(catalog_of(("red-0", item("red-0"))), RED, "red-0")

    assert (found.verdict, found.obstacles) == ("not_a_candidate", [Obstacle("seen")])


def test_every_item_of_a_random_catalogue_has_a_verdict_that_fits() -> None:
    """Whatever is asked about: in the list, or something is named that keeps it out."""
    random = np.random.default_rng(0)
    looks = random.standard_normal((200, DIMENSIONS)) + 2 * np.eye(DIMENSIONS)[np.arange(200) % 5]
    looks /= np.linalg.norm(looks, axis=1)[:, None]
    shop = catalog_of(
        *(
            (f"i{n}", replace(item("red-0"), item_id=f"i{n}", embeddings={ENCODER: each.astype("<f2").tobytes()}))
            for n, each in enumerate(looks)
        )
    )
    acts: list[Action] = [act(f"i{n}") for n in random.integers(200, size=8).tolist()]
    profile = profile_of(*acts)
    recommender = Recommender(shop, length=20)
    prepared = recommender.prepare([profile], NOW)
    for number in range(200):
        found = recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW, Subject(f"i{number}", None))
        each = found.item
        assert each is not None
        listed = f"i{number}" in [slot.item.item_id for slot in found.slots]
        assert listed == (each.verdict == "in_list")
        assert (each.verdict == "not_a_candidate") == bool(each.obstacles)
        assert (each.verdict == "not_proposed") == ("proposed" not in codes(each).values())
        if each.verdict == "diversity":
            assert each.repeats is not None
            assert each.repeats.costs
