"""Names that say a colour, of photos whose look says their kind alone."""

import numpy as np

from benchmarks.retrieval.words.colours import MAPPED, SEEN, measure_colour_words
from features.vision.colours import COLOUR_NAMES
from tests.benchmarks.retrieval.words.test_title_map import embed, photos


def test_the_colour_of_a_picture_tells_apart_what_looks_alike() -> None:
    shown = photos()
    colours = [COLOUR_NAMES[row.argmax()] for row in shown.colours]
    names = [f"{colour} {text}" for colour, text in zip(colours, shown.texts, strict=True)]
    found = {
        each.by: each
        for each in measure_colour_words(shown, names, lambda texts: embed([text.partition(" ")[2] for text in texts]))
    }
    assert found[MAPPED].colours == 1
    assert found[MAPPED].words < 0.7
    assert found[SEEN].names == len({*names})


def test_names_without_colours_have_no_figures() -> None:
    shown = photos()
    assert measure_colour_words(shown, shown.texts, embed) == []
    assert np.isfinite(shown.colours).all()
