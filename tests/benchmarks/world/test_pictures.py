from itertools import islice
from random import Random

import pytest

from benchmarks.world.pictures import CATEGORIES, COLOURS, PATTERNS, SIZE, Kind, catalogue_kinds, draw, draw_catalogue
from benchmarks.world.silhouettes import SILHOUETTES, outline
from features.vision.decode import decode


def test_the_same_seed_draws_the_same_bytes() -> None:
    assert list(draw_catalogue(4, seed=7)) == list(draw_catalogue(4, seed=7))


def test_another_seed_draws_another_catalogue() -> None:
    assert [item.title for item in draw_catalogue(10, 1)] != [item.title for item in draw_catalogue(10, 2)]


def test_a_smaller_catalogue_is_the_beginning_of_a_larger_one() -> None:
    assert list(draw_catalogue(3, 7)) == list(islice(draw_catalogue(300, 7), 3))


def test_categories_come_in_turn() -> None:
    assert [item.category for item in draw_catalogue(20, 7)] == [*CATEGORIES, *CATEGORIES]


def test_each_item_is_a_jpeg_that_the_uploads_agent_accepts() -> None:
    for item in draw_catalogue(10, 7):
        picture = decode(item.jpeg)
        assert (picture.format, picture.width, picture.height) == ("JPEG", SIZE, SIZE)


def test_ids_are_distinct_and_name_what_is_drawn() -> None:
    items = list(draw_catalogue(20, 7))
    assert len({item.item_id for item in items}) == 20
    assert all(item.item_id.startswith(f"{item.category}-{item.colour}-{item.pattern}-") for item in items)


def test_a_catalogue_of_300_has_every_colour_and_pattern_in_each_category() -> None:
    kinds = catalogue_kinds(300, seed=7)
    assert len(set(kinds)) == 300
    for category in CATEGORIES:
        mine = [kind for kind in kinds if kind.category == category]
        assert {kind.colour for kind in mine} == set(COLOURS)
        assert {kind.pattern for kind in mine} == set(PATTERNS)


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_the_colour_named_is_the_colour_seen(colour: str) -> None:
    kind = Kind("cushions", colour, "plain", SILHOUETTES["cushions"][0])
    middle = draw(kind, Random(7)).crop((200, 220, 280, 300)).resize((1, 1)).getpixel((0, 0))
    assert isinstance(middle, tuple)
    assert ("red", "green", "blue")[middle.index(max(middle))] == colour


def test_no_outline_leaves_its_box() -> None:
    points = [point for shapes in SILHOUETTES.values() for shape in shapes for part in shape.parts
              for point in outline(part.path)]  # fmt: skip
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in points)
