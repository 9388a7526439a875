from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from features.recommendation import Reason, RecommendedItem, Source
from streams.interactions.attribution import LISTS_LIMIT, Attribution
from tests.harness.interactions import metric

SOURCES: Sequence[Source] = ("visual", "trending", "popular", "fresh")


def slot(name: str, source: Source) -> RecommendedItem:
    return RecommendedItem(item_id=name, score=1.0, source=source, explore=False, reasons=[])


def counted(name: str) -> dict[str, float]:
    return {source: metric(f"sightline_{name}_total", source=source) for source in SOURCES}


def gained(name: str, before: dict[str, float]) -> dict[str, float]:
    """What a counter gained since `before`, for the sources where it gained anything."""
    return {source: value - before[source] for source, value in counted(name).items() if value != before[source]}


def by_arm(arm: str, outcome: str) -> float:
    return metric("sightline_experiment_slots_total", arm=arm, outcome=outcome)


@pytest.fixture
def attribution() -> Attribution:
    made = Attribution()
    made.published({"r1": [slot("a", "visual"), slot("b", "trending")], "r2": [slot("a", "popular")]})
    return made


def test_published_slots_are_counted_by_their_source() -> None:
    before = counted("published")
    Attribution().published({"r1": [slot("a", "visual"), slot("b", "visual"), slot("c", "fresh")]})
    assert gained("published", before) == {"visual": 2, "fresh": 1}


def test_a_published_slot_is_not_shown_yet() -> None:
    before = counted("shown")
    Attribution().published({"r1": [slot("a", "visual")]})
    assert gained("shown", before) == {}


@pytest.mark.parametrize(("kind", "name"), [("view", "shown"), ("click", "clicked")])
def test_a_view_counts_as_shown_and_a_click_as_clicked_for_the_source_of_the_slot(
    attribution: Attribution, kind: str, name: str
) -> None:
    shown, clicked = counted("shown"), counted("clicked")
    attribution.feedback(kind, "r1", "b")
    assert {"shown": gained("shown", shown), "clicked": gained("clicked", clicked)} == {
        "shown": {},
        "clicked": {},
        name: {"trending": 1},
    }


@pytest.mark.parametrize(("kind", "name"), [("view", "shown"), ("click", "clicked")])
def test_a_slot_counts_once_and_the_same_item_in_another_list_again(
    attribution: Attribution, kind: str, name: str
) -> None:
    before = counted(name)
    for rec_id in ("r1", "r1", "r2"):
        attribution.feedback(kind, rec_id, "a")
    assert gained(name, before) == {"visual": 1, "popular": 1}


def test_a_list_published_again_does_not_count_its_slots_again(attribution: Attribution) -> None:
    attribution.feedback("view", "r1", "a")
    before = counted("shown")
    attribution.published({"r1": [slot("a", "visual")]})
    attribution.feedback("view", "r1", "a")
    assert gained("shown", before) == {}


@pytest.mark.parametrize(
    ("kind", "rec_id", "item_id"),
    [("click", "r0", "a"), ("view", "r0", "a"), ("click", "r1", "z"), ("view", "r1", "z"), ("like", "r1", "a")],
    ids=["click, unknown list", "view, unknown list", "click, not in the list", "view, not in the list", "like"],
)
def test_nothing_else_is_counted(attribution: Attribution, kind: str, rec_id: str, item_id: str) -> None:
    shown, clicked = counted("shown"), counted("clicked")
    attribution.feedback(kind, rec_id, item_id)
    assert (gained("shown", shown), gained("clicked", clicked)) == ({}, {})


def test_an_app_that_says_what_became_of_a_list_is_counted_for_its_arm_alone() -> None:
    attribution = Attribution()
    attribution.published({"r1": [slot("a", "visual")], "r2": [slot("a", "visual")]}, {"r1": "arm-1"})
    before = {kind: by_arm("arm-1", kind) for kind in ("published", "shown", "clicked", "converted")}
    for rec_id in ("r1", "r1", "r2"):
        for kind in ("view", "click", "like", "purchase", "hide"):
            attribution.feedback(kind, rec_id, "a")

    assert before["published"] == 1
    found = {kind: by_arm("arm-1", kind) - count for kind, count in before.items()}
    assert found == {"published": 0, "shown": 1, "clicked": 1, "converted": 1}


def test_where_an_app_publishes_clicks_and_looks_alone_nothing_counts_as_shown() -> None:
    attribution = Attribution()
    attribution.published({"r1": [slot("a", "popular"), slot("b", "popular")]}, {"r1": "arm-1"})
    before, by = counted("shown"), metric("sightline_experiment_dwell_seconds_total", arm="arm-1")
    attribution.feedback("click", "r1", "a")
    attribution.feedback("view", "r1", "a", 4_000)
    assert gained("shown", before) == {}
    assert metric("sightline_experiment_dwell_seconds_total", arm="arm-1") == by + 4
    attribution.feedback("view", "r1", "b")
    assert gained("shown", before) == {"popular": 1}


def test_past_its_bound_the_oldest_list_is_forgotten() -> None:
    attribution = Attribution()
    attribution.published({f"r{number}": [slot("a", "popular")] for number in range(LISTS_LIMIT + 1)})
    before = counted("clicked")
    attribution.feedback("click", "r0", "a")
    assert gained("clicked", before) == {}
    attribution.feedback("click", "r1", "a")
    assert gained("clicked", before) == {"popular": 1}


def test_slots_that_explore_are_counted_at_each_step() -> None:
    steps = ("published", "shown", "clicked")
    before = {step: metric("sightline_explored_total", step=step) for step in steps}
    made = Attribution()
    made.published({"r1": [slot("a", "fresh"), replace(slot("b", "fresh"), explore=True)]})
    for kind, item in (("view", "a"), ("view", "b"), ("view", "b"), ("click", "a")):
        made.feedback(kind, "r1", item)

    assert [metric("sightline_explored_total", step=step) - before[step] for step in steps] == [1, 1, 0]


def test_slots_that_the_shop_decided_are_counted_at_each_step() -> None:
    steps = ("published", "shown", "clicked")
    before = {step: metric("sightline_promoted_total", step=step) for step in steps}
    made, reason = Attribution(), Reason(code="promoted", rule="summer")
    made.published({"r1": [slot("a", "fresh"), replace(slot("b", "promoted"), reasons=[reason])], "r2": []})
    for kind, item in (("view", "a"), ("view", "b"), ("view", "b"), ("click", "b")):
        made.feedback(kind, "r1", item)

    assert [metric("sightline_promoted_total", step=step) - before[step] for step in steps] == [1, 1, 1]
    assert [made.was_promoted("r1", name) for name in ("a", "b")] == [False, True]
    assert not made.was_promoted("r2", "b")
    assert not made.was_promoted(None, "b")
