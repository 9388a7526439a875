"""Which pictures a step draws."""

from dataclasses import replace

import numpy as np
import pytest

from inference.encoders.tuning.pictures import Pictures
from tests.harness.tiny_network import stripes


def test_each_picture_is_drawn_once_before_one_is_drawn_again_and_what_is_watched_never() -> None:
    pictures = Pictures([stripes(), stripes()], catalogue=3, paired=False)
    drawn = [pictures.rows(step, 10, seed=0) for step in range(2 * pictures.steps(10))]

    assert pictures.watched.tolist() == [4, 16, 28, 40, 52, 64, 76, 88]
    for epoch in (np.concatenate(drawn[:8]), np.concatenate(drawn[8:])):
        assert len(set(epoch.tolist()) - set(pictures.watched.tolist())) == len(epoch) == 80


def test_labels_of_two_sets_are_different_though_their_numbers_are_the_same() -> None:
    pictures = Pictures([stripes(labels=2, photos=1), stripes(labels=3, photos=2)], catalogue=3, paired=False)
    assert pictures.labels.tolist() == [0, 1, 2, 2, 3, 3, 4, 4]
    assert pictures.sets.tolist() == [0, 0, 1, 1, 1]


def test_rows_are_found_in_their_set() -> None:
    first, second = stripes(labels=1, photos=2), stripes(labels=1, photos=3, seed=1)
    found = Pictures([first, second], catalogue=3, paired=False).pixels(np.array([4, 0, 2]))

    assert first.pixels is not None
    assert second.pixels is not None
    for pixels, wanted in zip(found, (second.pixels[2], first.pixels[0], second.pixels[0]), strict=True):
        np.testing.assert_array_equal(pixels, wanted)


def test_a_catalogue_picture_is_drawn_three_times_and_a_label_with_one_picture_is_never_watched() -> None:
    data = stripes(labels=2, photos=1)
    pictures = Pictures([replace(data, shown=np.array([False, True]))], catalogue=3, paired=False)

    assert (pictures.watched.tolist(), pictures.steps(48)) == ([], 1)
    assert sorted(pictures.rows(0, 48, seed=0).tolist()) == [0, 1, 1, 1]


def test_of_pairs_the_picture_itself_is_drawn_and_its_ready_made_views_are_not() -> None:
    pictures = Pictures([stripes(labels=6, photos=3)], catalogue=3, paired=True)
    assert sorted(pictures.rows(0, 48, seed=0).tolist()) == [0, 3, 6, 9, 15]
    assert pictures.watched.tolist() == [12]


def test_pictures_without_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="learns from pixels"):
        Pictures([replace(stripes(), pixels=None)], catalogue=3, paired=False)
