"""Who is left out of a fit, and which photos judge it."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from benchmarks.retrieval.compared import found_first, gain, hits
from benchmarks.retrieval.held_out import Embed, by_group, by_map, by_order, judge, raw, without_half_the_catalogue
from inference.encoders.look.fit import Labelled
from inference.encoders.look.projection import Matrix, Projection

PLAIN = Projection(np.zeros(3, np.float32), np.eye(3, dtype=np.float32), np.zeros((0, 3), np.float32))


def data() -> Labelled:
    """Ten photos of each of two labels, then a catalogue picture of each; only joined features tell them apart."""
    labels = np.r_[np.repeat([0, 1], 10), [0, 1]]
    joined = np.eye(3, dtype=np.float32)[labels]
    pooled: Matrix = np.random.default_rng(0).standard_normal((22, 3)).astype(np.float32)
    return Labelled(joined, pooled, labels, np.arange(22) >= 20)


def test_each_photo_is_left_out_once_and_catalogue_pictures_never() -> None:
    first, second = by_order(data())
    assert (first & second).tolist() == data().shown.tolist()
    assert np.flatnonzero(first).tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21]


def test_a_group_is_on_one_side() -> None:
    (half,) = by_group(np.array(list("aabbccdd")), splits=1)
    assert half.reshape(4, 2).sum(axis=1).tolist().count(2) == 2


def test_where_catalogue_pictures_are_left_out_only_photos_of_their_labels_judge() -> None:
    fitted_on: list[int] = []

    def fit(sets: Sequence[Labelled]) -> Embed:
        fitted_on.append(int(sets[0].shown.sum()))
        return partial(by_map, PLAIN)

    found = judge("left out", fit, data(), without_half_the_catalogue(data()), rivals={"raw": raw})
    assert (fitted_on, found.photos) == ([1, 1], 10)
    assert (found.p_at_5["ours"], found.r_at_1["ours"]) == (1.0, 1.0)  # four others are left, all of the label
    assert found.gains["raw"].value == pytest.approx(1.0 - found.p_at_5["raw"], abs=1e-3)


def test_hits_are_shares_of_the_nearest_others_and_gains_are_paired() -> None:
    embeddings, labels = np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1, 1]], np.array([0, 0, 1, 1, 1, 1])

    assert hits(embeddings, labels, 2).tolist() == [0.5, 0.5, 0, 1, 1, 1]
    assert found_first(embeddings, labels, embeddings[[0, 5]], labels[[0, 5]]).tolist() == [1, 1, 0, 1, 1, 1]
    same = gain(np.ones(5), np.full(5, 0.75))
    assert (same.value, same.low, same.high) == (0.25, 0.25, 0.25)
