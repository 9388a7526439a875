"""Queries by words, alone and beside a picture."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from features.item import Item
from inference.errors import EncoderUnavailable
from tests.harness.fakes import NOON
from tests.harness.uploads import BLUE, RED, Studio, query, record, shirt, upload, words_query
from tests.harness.words import words


@pytest.fixture
def studio() -> Studio:
    return Studio()


async def fill(studio: Studio, titles: Mapping[str, str], pictures: Mapping[str, bytes] = {}) -> None:
    """Items of which some have a title, and some a picture."""
    await studio.handle([record(n, upload(name, each)) for n, (name, each) in enumerate(pictures.items())])
    known = {item.item_id: item for item in studio.items()}
    for name, title in titles.items():
        known[name] = replace(known.get(name, Item(name, NOON)), title=title, words=words(title))
    studio.catalog.apply([*known.items()])
    studio.publisher.messages.clear()


def found(studio: Studio) -> list[list[str]]:
    return [[item.item_id for item in answer.items] for answer in studio.publisher.lists()]


async def test_words_find_what_says_the_like_and_store_nothing(studio: Studio) -> None:
    await fill(studio, {"i1": "Blue shirt", "i2": "Red shirt", "i3": "Milk"})
    await studio.handle([words_query("a red shirt")])
    (answer,) = studio.publisher.lists()
    assert [item.item_id for item in answer.items] == ["i2", "i1"]
    assert answer.items[0].score == pytest.approx(1, abs=1e-3)
    assert (answer.items[1].reasons[0].by or {})["words"] == pytest.approx(0.5, abs=1e-3)
    assert answer.model == {"ranker": "similar@1", "words": "all-minilm-l6-v2@1"}
    assert [message.topic for message in studio.publisher.messages] == ["recommendations"]


async def test_a_query_by_words_keeps_its_limits(studio: Studio) -> None:
    await fill(studio, {"i1": "Blue shirt", "i2": "Red shirt", "i3": "Milk", "i4": "Red shirt"})
    limits: list[dict[str, Any]] = [
        {"count": 1},
        {"only": {"exclude": ["i2", "i4"], "min_similarity": 0.4}},
        {"only": {"category": "hats"}},
    ]
    await studio.handle([words_query("red shirt", **each) for each in limits])
    first, *others = found(studio)
    assert len(first) == 1
    assert first[0] in ("i2", "i4")
    assert others == [["i1"], []]


@pytest.mark.parametrize("changes", [{}, {"only": {"category": None}}, {"by": {"words": 1}}], ids=["", "only", "by"])
async def test_words_that_fit_nothing_find_nothing(studio: Studio, changes: dict[str, Any]) -> None:
    await fill(studio, {"i1": "Blue shirt", "i2": "Red shirt"})
    await studio.handle([words_query("milk", **changes)])
    assert found(studio) == [[]]


async def test_who_asks_for_it_gets_whatever_is_nearest(studio: Studio) -> None:
    await fill(studio, {"i1": "Blue shirt", "i2": "Red shirt"})
    await studio.handle([words_query("milk", only={"min_similarity": least}) for least in (0, -1)])
    assert [sorted(each) for each in found(studio)] == [["i1", "i2"], ["i1", "i2"]]


async def test_words_beside_a_picture_leave_nothing_out(studio: Studio) -> None:
    await fill(studio, {"only words": "Milk"}, {"red": shirt(RED)})
    await studio.handle([query(shirt(RED), text="blue shoe"), query(shirt(RED), text="blue shoe", by={"words": 1})])
    assert [sorted(each) for each in found(studio)] == [["only words", "red"], []]


async def test_items_with_the_same_title_are_no_copies_of_each_other(studio: Studio) -> None:
    await fill(studio, {"i1": "Red shirt", "i2": "Red shirt"})
    await studio.handle([words_query("red")])
    assert sorted(found(studio)[0]) == ["i1", "i2"]


@pytest.mark.parametrize(("text", "first"), [("red shirt", "red"), ("a BLUE shirt", "blue"), ("红色衬衫", "red")])
async def test_of_things_that_say_the_same_those_of_the_named_colour_come_first(
    studio: Studio, text: str, first: str
) -> None:
    titles = {"plain": "shirt", "red": "shirt", "blue": "shirt"}
    await fill(studio, titles, {"red": shirt(RED), "blue": shirt(BLUE)})
    await studio.handle([words_query(text)])
    (answer,) = studio.publisher.lists()
    scores = {item.item_id: item.score for item in answer.items}
    last = {"red": "blue", "blue": "red"}[first]
    assert answer.items[-1].item_id == last
    # Without a picture, nothing is known of the colour.
    assert scores[first] == pytest.approx(scores["plain"], rel=0.02)
    assert scores[last] == pytest.approx(0.9 * scores["plain"], rel=0.03)


async def test_a_title_that_says_the_colour_counts_more_than_the_picture(studio: Studio) -> None:
    await fill(studio, {"red": "blue shirt", "blue": "blue hat"}, {"red": shirt(RED), "blue": shirt(BLUE)})
    await studio.handle([words_query("blue shirt")])
    assert found(studio)[0][0] == "red"


async def test_a_picture_and_words_are_weighed_together(studio: Studio) -> None:
    await fill(studio, {"only words": "Blue shirt"}, {"red": shirt(RED), "blue": shirt(BLUE)})
    await studio.handle([query(shirt(RED), text="blue shirt")])
    (answer,) = studio.publisher.lists()
    by = {item.item_id: item.reasons[0].by or {} for item in answer.items}
    assert set(by) == {"only words", "red", "blue"}
    assert list(by["only words"]) == ["words"]
    assert by["only words"]["words"] == pytest.approx(1, abs=1e-3)
    assert by["red"].keys() <= {"look", "words"}
    assert by["red"]["look"] == pytest.approx(1, abs=1e-2)


async def test_a_query_by_look_alone_does_not_find_an_item_without_a_picture(studio: Studio) -> None:
    await fill(studio, {"only words": "Blue shirt"}, {"red": shirt(RED)})
    await studio.handle([query(shirt(RED)), query(shirt(RED), only={"max_price": 10})])
    assert found(studio) == [["red"], []]


@pytest.mark.parametrize("text", ["👕👖", "красная", "\x01\x02", "…"], ids=["emoji", "cyrillic", "control", "dots"])
async def test_what_the_tower_cannot_read_finds_nothing(studio: Studio, text: str) -> None:
    await fill(studio, {"i1": "Blue shirt"})
    await studio.handle([words_query(text)])
    assert (found(studio), studio.publisher.lists()[0].degraded) == ([[]], [])


async def test_chinese_names_of_what_is_seen_are_understood(studio: Studio) -> None:
    await fill(studio, {"shirt": "red shirt", "hat": "blue hat"})
    await studio.handle([words_query("红色衬衫")])
    assert found(studio)[0][0] == "shirt"


@pytest.mark.parametrize("text", ["", " \n\t", "a" * 10_000, 7], ids=["empty", "blank", "10 kB", "number"])
async def test_text_that_cannot_be_meant_is_refused(studio: Studio, text: object) -> None:
    await studio.handle([words_query(text)])
    assert studio.reasons() == ["invalid_event"]


@pytest.mark.parametrize(
    "changes",
    [{"by": {"look": 1}}, {"by": {"look": 0.5, "words": 0.5}}, {"purpose": "catalog"}],
    ids=["look without a picture", "mix without a picture", "item"],
)
async def test_words_where_a_picture_is_needed_are_refused(studio: Studio, changes: dict[str, object]) -> None:
    event: dict[str, object] = {"event_id": "q", "item_id": "q", "user_id": "u7", "occurred_at_ms": NOON}
    await studio.handle([record(9, event | {"purpose": "query", "text": "red"} | changes, key=b"u7")])
    assert studio.reasons() == ["invalid_event"]


async def test_words_that_would_count_for_nothing_are_refused(studio: Studio) -> None:
    await studio.handle([query(shirt(), text="red", by={"look": 1})])
    assert studio.reasons() == ["invalid_event"]


async def test_while_the_tower_is_away_an_answer_says_so_and_has_what_the_picture_finds(studio: Studio) -> None:
    studio.tower.failure, studio.tower.times = EncoderUnavailable("nobody there"), 2
    await fill(studio, {"i1": "Red shirt"}, {"red": shirt(RED)})
    await studio.handle([words_query("red"), query(shirt(RED), text="but blue")])
    assert found(studio) == [[], ["red"]]
    assert [answer.degraded for answer in studio.publisher.lists()] == [["words"], ["words"]]


async def test_pictures_become_items_while_the_tower_is_away(studio: Studio) -> None:
    studio.tower.failure, studio.tower.times = EncoderUnavailable("nobody there"), 99
    await studio.handle([record(0, upload("i1", title="Red shirt"))])
    assert ([item.title for item in studio.items()], studio.tower.asked) == (["Red shirt"], [])


async def test_where_words_are_turned_off_a_query_by_them_is_refused() -> None:
    studio = Studio(words=False)
    await studio.handle([words_query("red"), query(shirt())])
    assert studio.reasons() == ["words_off"]
    assert len(studio.publisher.lists()) == 1


async def test_a_picture_compared_by_words_is_compared_by_what_is_seen_in_it(studio: Studio) -> None:
    await fill(studio, {"i1": "Red shirt"})
    await studio.handle([query(shirt(), by={"words": 1})])
    assert (found(studio), studio.tower.asked) == ([[]], [])  # the fake encoder sees a `picture`, which is no class
