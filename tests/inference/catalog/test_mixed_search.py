"""Items whose looks say one thing and whose colours another."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.search_filter import NO_FILTER, SearchFilter
from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import PACKED_BYTES, describe
from inference.catalog.catalog import Catalog
from inference.catalog.mixed_search import Asked, find_mixed
from inference.ranking.similar import SimilarRanker
from tests.harness.catalog import NOW, item, vector
from tests.harness.lists import about, catalog_of

RED, BLUE = (205, 30, 40), (35, 85, 200)


def coloured(colour: tuple[int, int, int]) -> bytes:
    pixels: NDArray[np.uint8] = np.full((64, 64, 3), 250, np.uint8)
    pixels[16:48, 16:48] = colour
    return describe(pixels)


def shop() -> Catalog:
    return catalog_of(
        ("red-0", item("red-0", descriptors=coloured(BLUE), price=5.0)),
        ("red-1", item("red-1", descriptors=coloured(RED))),
        ("blue-0", item("blue-0", descriptors=coloured(RED), price=9.0)),
        ("red-2", item("red-2")),
    )


def asked(by: str, colour: tuple[int, int, int] = RED) -> Asked:
    return Asked(vector("red-0"), coloured(colour), Mix.parse(by))


async def names(catalog: Catalog, query: Asked, count: int = 4, limits: SearchFilter = NO_FILTER) -> list[str]:
    rows = await find_mixed(catalog, query, count, limits)
    return [catalog.item_ids[row] for row in rows.tolist()]


async def test_by_colour_the_look_does_not_matter_and_items_without_descriptors_are_left_out() -> None:
    found = await names(shop(), asked("colour"))
    assert (sorted(found[:2]), found[2:]) == (["blue-0", "red-1"], ["red-0"])


async def test_a_mix_weighs_one_against_the_other() -> None:
    assert (await names(shop(), asked("look=0.9,colour=0.1")))[0] == "red-0"
    assert (await names(shop(), asked("look=0.2,colour=0.8")))[0] == "red-1"


async def test_an_item_without_descriptors_is_compared_by_what_is_known_of_it() -> None:
    assert (await names(shop(), asked("look=0.5,colour=0.5")))[:2] == ["red-1", "red-2"]


async def test_the_limits_of_a_search_hold() -> None:
    assert await names(shop(), asked("colour"), limits=SearchFilter(min_price=8.0)) == ["blue-0"]
    assert await names(shop(), asked("colour"), count=1) in (["red-1"], ["blue-0"])


@pytest.mark.parametrize("unreadable", [None, bytes([2]) + bytes(PACKED_BYTES - 1)])
async def test_a_picture_without_readable_descriptors_finds_nothing_by_colour_and_the_like_of_it_by_look(
    unreadable: bytes | None,
) -> None:
    assert await names(shop(), replace(asked("colour"), descriptors=unreadable)) == []
    assert (await names(shop(), replace(asked("look,colour"), descriptors=unreadable)))[0] == "red-0"


async def test_an_answer_says_how_alike_an_item_is_by_each() -> None:
    catalog, query = shop(), asked("look=0.5,colour=0.5")
    rows = await find_mixed(catalog, query, 2, NO_FILTER)
    first, second = SimilarRanker().rank_mixed(query, rows, catalog, length=2, now_ms=NOW)
    assert (first.item_id, first.score) == ("red-1", about(0.85))
    assert first.reasons[0].by == {"look": about(0.7), "colour": about(1.0)}
    assert (second.item_id, second.reasons[0].by) == ("red-2", {"look": about(0.7)})


async def test_an_expired_item_is_not_in_the_answer() -> None:
    catalog, query = shop(), asked("colour")
    rows = await find_mixed(catalog, query, 4, NO_FILTER)
    catalog.apply([("red-1", item("red-1", expires_at_ms=NOW))])
    found = SimilarRanker().rank_mixed(query, rows, catalog, length=4, now_ms=NOW)
    assert "red-1" not in [each.item_id for each in found]


def test_a_catalogue_with_a_mix_compares_joined_vectors() -> None:
    catalog = Catalog(66, mix=Mix.parse("look=0.5,colour=0.5"))
    catalog.apply(
        [
            ("red-0", item("red-0", descriptors=coloured(RED))),
            ("red-1", item("red-1", descriptors=coloured(BLUE))),
            ("blue-0", item("blue-0", descriptors=coloured(RED))),
        ]
    )
    rows = [catalog.row_of(name) for name in ("red-0", "red-1", "blue-0")]
    vectors = catalog.pictures.vectors(np.array(rows))
    assert vectors.shape == (3, catalog.pictures.dimensions) == (3, 66 + 156)
    by_look, by_colour = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    assert by_colour == pytest.approx(0.5, abs=0.01)
    assert 0.35 <= by_look < 0.5 + 0.35
    assert catalog.pictures.encoder == "fake@1"
    assert catalog.counts().searchable == 3


def test_an_item_without_descriptors_is_in_such_a_catalogue_too() -> None:
    catalog = Catalog(66, mix=Mix.parse("look=0.5,colour=0.5"))
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1"))])
    one, other = catalog.pictures.vectors(np.array([0, 1]))
    assert one @ other == about(0.7)


@pytest.mark.parametrize("by", ["colour", "texture", "shape", "hash", "look", "look=0.5,hash=0.5"])
async def test_where_nothing_is_within_the_limits_nothing_is_found(by: str) -> None:
    catalog, query = shop(), asked(by)
    assert await names(catalog, query, limits=SearchFilter(category="nothing")) == []
    assert SimilarRanker().rank_mixed(query, np.zeros(0, np.int64), catalog, length=2, now_ms=NOW) == []


async def test_an_item_of_a_release_before_does_not_hide_a_copy_that_has_descriptors() -> None:
    catalog = catalog_of(
        ("old", item("old", looks="red-3")),
        ("new", item("new", looks="red-3", descriptors=coloured(RED))),
        ("blue-0", item("blue-0", descriptors=coloured(BLUE))),
    )
    assert (await names(catalog, asked("colour")))[0] == "new"
