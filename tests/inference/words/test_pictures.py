"""What stands for the words of a picture that has none."""

import numpy as np
import pytest

from features.item import Item
from features.vision.colours import COLOUR_NAMES
from features.words.item_words import DIMENSIONS
from inference.words.pictures import SEEN_LENGTH, TABLE, item_vector, picture_vector
from tests.harness.words import words


def test_a_picture_is_nearest_to_the_likelier_of_its_names() -> None:
    seen = picture_vector([("jersey", 0.7), ("ostrich", 0.2)], [])
    jersey, ostrich = (picture_vector([(name, 1.0)], []) for name in ("jersey", "ostrich"))
    assert seen is not None
    assert jersey is not None
    assert ostrich is not None
    assert np.linalg.norm(seen) == pytest.approx(1, abs=1e-5)
    assert float(seen @ jersey) > float(seen @ ostrich) + 0.3


def test_its_colours_are_joined_the_largest_most() -> None:
    plain, painted = (
        picture_vector([("jersey", 0.7)], []),
        picture_vector([("jersey", 0.7)], [("red", 0.8), ("blue", 0.1)]),
    )
    red, blue = picture_vector([("jersey", 1)], [("red", 1.0)]), picture_vector([("jersey", 1)], [("blue", 1.0)])
    assert plain is not None
    assert painted is not None
    assert red is not None
    assert blue is not None
    assert float(painted @ red) > max(float(painted @ blue), float(painted @ plain))


@pytest.mark.parametrize("tags", [[], [("a class of the shop's own", 0.9)], [("jersey", 0.0)]])
def test_nothing_stands_for_a_picture_in_which_nothing_is_recognised(tags: list[tuple[str, float]]) -> None:
    assert picture_vector(tags, [("red", 1.0)]) is None


def test_what_an_item_says_counts_before_what_is_seen_in_it() -> None:
    tags = (("jersey", 0.7),)
    said = words("red shirt")
    assert item_vector(Item("i1", 1, tags=tags, words=said)) == said.vector
    seen = item_vector(Item("i1", 1, tags=tags))
    assert len(seen or b"") == 2 * DIMENSIONS
    assert item_vector(Item("i1", 1, tags=tags, words=words("👕"))) == seen
    assert item_vector(Item("i1", 1, tags=tags, words=words("red shirt", version="another@1"))) == seen
    assert item_vector(Item("i1", 1)) is None


def test_what_is_seen_counts_less_than_what_is_said() -> None:
    seen = np.frombuffer(item_vector(Item("i1", 1, tags=(("jersey", 0.7),))) or b"", "<f2").astype(np.float32)
    assert np.linalg.norm(seen) == pytest.approx(SEEN_LENGTH, abs=1e-3)


def test_the_table_has_every_class_and_colour_once() -> None:
    with np.load(TABLE) as stored:
        names, vectors = stored["names"].tolist(), stored["vectors"]
    assert len(set(names)) == len(names) == len(vectors)
    assert set(COLOUR_NAMES) <= set(names)
    assert np.linalg.norm(vectors.astype(np.float32), axis=1) == pytest.approx(1, abs=2e-3)
