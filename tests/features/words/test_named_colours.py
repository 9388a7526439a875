"""The colours that words name."""

import numpy as np
import pytest

from features.vision.colours import COLOUR_NAMES, likeness_of_names
from features.words.named_colours import _ALSO, named_colours


def strongest(text: str, count: int = 1) -> list[str]:
    found = named_colours(text)
    assert found is not None
    return [COLOUR_NAMES[place] for place in np.argsort(-found, kind="stable")[:count].tolist()]


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("red checked shirt", "red"),
        ("Gray-ish? no: GREY", "grey"),
        ("light blue jeans", "light blue"),
        ("maroon", "burgundy"),
        ("red, red and red", "red"),
    ],
)
def test_a_colour_is_found_wherever_it_stands(text: str, colour: str) -> None:
    assert strongest(text) == [colour]


@pytest.mark.parametrize(("word", "colour"), _ALSO.items())
def test_another_word_for_a_colour_means_that_colour(word: str, colour: str) -> None:
    assert strongest(f"a {word} shirt") == [colour]


def test_several_colours_are_all_meant() -> None:
    assert set(strongest("navy and white", 2)) == {"navy", "white"}


@pytest.mark.parametrize("text", ["", "shirt", "bored", "redshirt", "rot", "\u7ea2", "reds" * 500])
def test_words_without_a_colour_mean_none(text: str) -> None:
    assert named_colours(text) is None


def test_it_is_a_unit_vector_in_which_near_colours_count_a_little() -> None:
    found = named_colours("red")
    assert found is not None
    assert np.linalg.norm(found) == pytest.approx(1)
    red, burgundy, blue = (float(found[COLOUR_NAMES.index(name)]) for name in ("red", "burgundy", "blue"))
    assert red > burgundy > 0.1 > 0.01 > blue


def test_the_likeness_of_names_is_that_of_a_metric() -> None:
    table = likeness_of_names()
    assert (np.diag(table) == 1).all()
    np.testing.assert_array_equal(table, table.T)
    assert table[~np.eye(len(table), dtype=bool)].max() < 0.7
