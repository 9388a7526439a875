from dataclasses import replace
from itertools import product

from benchmarks.world.shoppers import Product, Shopper, Taste, Visit, fitting, invite
from features.recommendation import RecommendedItem
from streams.wire.events import Interaction, Recommendations, Trigger

PRODUCTS = [
    Product(f"{category}-{colour}-{number}", "", category)
    for category, colour, number in product(("mug", "shoe", "lamp", "hat"), ("red", "blue"), range(3))
]
COLOURED = [replace(item, colour=item.item_id.split("-")[1]) for item in PRODUCTS]
LIKES_MUGS = Shopper("ada-r1", "Ada", Taste(("mug",)))


def recommendations(*items: str) -> Recommendations:
    return Recommendations(
        rec_id="rec-1",
        user_id="ada",
        seq=1,
        kind="feed",
        generated_at_ms=0,
        trigger=Trigger(event_id="e", type="click", item_id="i", occurred_at_ms=0),
        items=[RecommendedItem(item_id=item, score=1, source="visual", explore=False, reasons=[]) for item in items],
        filtered={},
        degraded=[],
        model={},
        timings_ms={},
    )


def acts(count: int, newest: Recommendations | None = None, run: str = "r1") -> list[Interaction]:
    visit = Visit(LIKES_MUGS, PRODUCTS, run=run, seed=7)
    return [visit.act(newest, now_ms=1000 + number) for number in range(count)]


def test_a_visit_is_glance_look_click_and_again() -> None:
    assert [act.type for act in acts(6)] == ["view", "view", "click", "view", "view", "click"]


def test_a_shopper_clicks_only_what_fits_the_taste() -> None:
    assert {act.item_id.split("-")[0] for act in acts(30) if act.type == "click"} == {"mug"}


def test_what_is_clicked_was_looked_at_just_before() -> None:
    for _, look, click in zip(*[iter(acts(12))] * 3, strict=True):
        assert look.item_id == click.item_id


def test_the_same_seed_makes_the_same_visit() -> None:
    assert acts(12) == acts(12)


def test_event_ids_differ_within_a_run_and_between_runs() -> None:
    ids = [act.event_id for act in acts(9, run="r1") + acts(9, run="r2")]
    assert len(set(ids)) == 18


def test_every_other_choice_comes_from_the_newest_list_with_its_id_and_position() -> None:
    visit = Visit(LIKES_MUGS, PRODUCTS, run="r", seed=7)
    first = [visit.act(None, now_ms=0) for _ in range(3)][-1]
    unmet = next(f"mug-red-{number}" for number in range(3) if f"mug-red-{number}" != first.item_id)
    newest = recommendations("shoe-red-0", first.item_id, unmet)
    second = [visit.act(newest, now_ms=0) for _ in range(3)][-1]
    assert (first.rec_id, first.position, first.surface) == (None, None, "catalogue")
    assert (second.item_id, second.rec_id, second.position, second.surface) == (unmet, "rec-1", 2, "feed")


def test_at_most_half_of_what_fits_is_met_so_that_something_is_left() -> None:
    assert len({act.item_id for act in acts(60) if act.type == "click"}) == 3


def test_shoppers_like_a_category_two_categories_or_a_colour_in_turn() -> None:
    tastes = [shopper.taste for shopper in invite(COLOURED, 6, run="r1", seed=7)]
    assert [(len(taste.categories), taste.colour is not None) for taste in tastes] == 2 * [
        (1, False),
        (2, False),
        (0, True),
    ]


def test_without_colours_every_category_has_a_shopper() -> None:
    tastes = [shopper.taste.categories for shopper in invite(PRODUCTS, 4, run="r1", seed=7)]
    assert sorted(tastes) == [("hat",), ("lamp",), ("mug",), ("shoe",)]


def test_no_category_is_in_a_taste_twice() -> None:
    few = [item for item in COLOURED if item.category == "mug"]
    for shopper in invite(few, 12, run="r1", seed=7):
        assert len(set(shopper.taste.categories)) == len(shopper.taste.categories)


def test_a_taste_for_a_colour_likes_it_in_every_category() -> None:
    liked = [item.item_id for item in COLOURED if Taste(colour="red").likes(item)]
    assert {item.split("-")[0] for item in liked} == {"mug", "shoe", "lamp", "hat"}
    assert all("-red-" in item for item in liked)


def test_every_shopper_has_a_name_of_her_own() -> None:
    assert len({shopper.user_id for shopper in invite(PRODUCTS, 60, run="r1", seed=7)}) == 60


def test_a_taste_reads_as_words() -> None:
    assert str(Taste(("mugs",))) == "mugs"
    assert str(Taste(("mugs", "hats"))) == "mugs and hats"
    assert str(Taste(colour="teal")) == "anything teal"


def test_fitting_counts_what_the_shopper_likes_and_nothing_unknown() -> None:
    products = {item.item_id: item for item in PRODUCTS}
    assert fitting(LIKES_MUGS, ["mug-red-0", "shoe-red-0", "mug-blue-1", "gone"], products) == 2


def test_another_run_has_other_users_with_the_same_names_and_tastes() -> None:
    first, second = (invite(PRODUCTS, 6, run=run, seed=7) for run in ("r1", "r2"))
    assert not {shopper.user_id for shopper in first} & {shopper.user_id for shopper in second}
    assert [(shopper.name, shopper.taste) for shopper in first] == [(shopper.name, shopper.taste) for shopper in second]
