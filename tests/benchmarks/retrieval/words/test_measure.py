"""Words that say what a picture cannot, with a tower that knows a few."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.retrieval.album import Album, UnreadableAlbum
from benchmarks.retrieval.words.fitting import FOREIGN, measure_beside, measure_fit
from benchmarks.retrieval.words.measure import measure_words, read_texts, read_words
from tests.harness.words import meaning


def blind(
    pixels: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32], list[tuple[tuple[str, float], ...]]]:
    """A network to which all pictures are the same jersey."""
    same = np.full((len(pixels), 4), 0.5, np.float32)
    return same, same, [(("jersey", 0.9),)] * len(pixels)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.stack([vector for text in texts if (vector := meaning(text)) is not None])


def album(labels: Sequence[str]) -> Album:
    return Album(np.full((len(labels), 224, 224, 3), 200, np.uint8), [*labels])


def test_words_find_the_catalogue_picture_that_the_look_does_not() -> None:
    photos = read_words(album("abab"), ["red", "blue", "red", "blue"], blind, embed)
    gallery = read_words(album("ba"), ["a blue shirt", "a red shirt"], blind, embed)
    found = measure_words(photos, gallery)
    assert found.r_at_1["look"] == found.r_at_1["raw"] == 0.5
    assert found.r_at_1["words"] == found.r_at_1["look + 0.5 words (a query's default)"] == 1.0
    assert (found.texts, found.p_at_10) == (2, 0.5)


def test_without_a_gallery_words_find_photos_alone() -> None:
    assert measure_words(read_words(album("ab"), ["red", "blue"], blind, embed), None).r_at_1 == {}


def test_words_of_other_things_than_the_items_are_told_from_those_that_fit() -> None:
    photos = read_words(album("abab"), ["red", "blue", "red", "blue"], blind, embed)

    def told(texts: Sequence[str]) -> NDArray[np.float32]:
        return embed(["milk" if text in FOREIGN else text for text in texts])

    for fit in measure_fit(photos.said, photos.texts, told):
        assert (fit.fitting, fit.foreign, fit.found) == (1, 0, 1)


def test_what_is_seen_goes_before_words_where_it_counts_too_much() -> None:
    texts = ["red", "red", "blue", "blue"] * 10
    photos = read_words(album("aabb" * 10), texts, blind, embed)
    said = np.stack([embed([text])[0] for text in texts])
    # What is seen says red of all that have no text.
    misled = replace(photos, seen=np.tile(embed(["red"])[0], (40, 1)))
    by = measure_beside(misled, np.float32(0.8) * said)
    assert by["1"] < by["0.7"] == 1


def test_a_table_without_words_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,class_id\na.png,7\n")
    with pytest.raises(UnreadableAlbum, match="no column coarse_name or label"):
        read_texts(tmp_path, "labels.csv", ("coarse_name", "label"))
