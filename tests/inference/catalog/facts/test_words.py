"""How rows are compared with words, with and without a map from looks to titles."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.words.pictures import SEEN_LENGTH
from inference.words.title_map import TitleMap
from tests.harness.titled import shop, thing
from tests.harness.words import meaning


def alike(catalog: Catalog, text: str, *names: str) -> list[float]:
    """The similarities of items to a text."""
    rows, words = rows_of(catalog, names), meaning(text)
    assert catalog.words is not None
    assert words is not None
    found: list[float] = catalog.words.similarities(rows, words, ~catalog.said[rows], catalog.pictures).tolist()
    return found


def rows_of(catalog: Catalog, names: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array([catalog.row_of(name) for name in names])


def learn(catalog: Catalog) -> TitleMap:
    assert catalog.words is not None
    rows = np.flatnonzero(catalog.said)
    found = TitleMap.fit(catalog.pictures.vectors(rows), catalog.words.vectors[rows])
    assert found is not None
    catalog.words.follow(found)
    return found


def test_what_has_no_title_is_read_by_what_titles_teach() -> None:
    catalog = shop(200)
    before = alike(catalog, "red shirt", "red", "blue")
    assert before[0] == before[1]
    learn(catalog)
    red, blue = alike(catalog, "red shirt", "red", "blue")
    assert red > blue + 0.1


def test_what_is_said_is_compared_as_before() -> None:
    catalog = shop(200)
    before = alike(catalog, "red", "i0", "i1")
    learn(catalog)
    assert alike(catalog, "red", "i0", "i1") == before


def test_a_similarity_is_that_to_the_joined_vector() -> None:
    catalog = shop(200)
    title_map = learn(catalog)
    rows, words = rows_of(catalog, ("red", "blue")), meaning("red shirt")
    assert catalog.words is not None
    assert words is not None
    seen = catalog.words.vectors[rows] / np.float32(SEEN_LENGTH)
    joined = SEEN_LENGTH * title_map.joined(seen, catalog.pictures.vectors(rows)) @ words
    assert alike(catalog, "red shirt", "red", "blue") == pytest.approx(joined.tolist(), abs=2e-3)


def test_another_picture_is_read_anew_and_so_is_one_that_lost_its_title() -> None:
    catalog = shop(200)
    learn(catalog)
    red, _ = alike(catalog, "red shirt", "red", "blue")
    catalog.apply([("red", thing("red", "blue", None)), ("i0", thing("i0", "red", None))])
    turned, untitled = alike(catalog, "red shirt", "red", "i0")
    assert turned < red - 0.1
    assert untitled == pytest.approx(red, abs=0.1)


def test_a_second_map_replaces_the_first_and_none_takes_it_away() -> None:
    catalog = shop(200)
    assert catalog.words is not None
    without = alike(catalog, "red shirt", "red")
    title_map = learn(catalog)
    first = alike(catalog, "red shirt", "red")
    catalog.words.follow(TitleMap(np.zeros_like(title_map.weights), title_map.offset, 200))
    assert alike(catalog, "red shirt", "red") != first
    catalog.words.follow(title_map)
    assert alike(catalog, "red shirt", "red") == first
    catalog.words.follow(None)
    assert alike(catalog, "red shirt", "red") == without


def test_a_deleted_item_has_no_look_to_be_read() -> None:
    catalog = shop(200)
    learn(catalog)
    rows = rows_of(catalog, ("red",))
    catalog.apply([("red", None)])
    words = meaning("red")
    assert catalog.words is not None
    assert words is not None
    assert np.isfinite(catalog.words.similarities(rows, words, np.ones(1, np.bool_), catalog.pictures)).all()
