import doctest
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.retrieval import similarities as others
from benchmarks.retrieval.similarities import OTHERS, Similarity
from features.vision.descriptors import similarities
from features.vision.descriptors.mix import Mix
from features.vision.descriptors.similarities import Values, centred, cosine, mean_of

PAIRS = arrays(np.float32, (2, 12), elements=st.sampled_from([0.0, 1.0, 2.0, 7.0, 15.0]))
EACH = pytest.mark.parametrize("similarity", [cosine, *OTHERS.values()], ids=["cosine", *OTHERS])


@pytest.mark.parametrize("module", [similarities, others])
def test_the_examples_print_what_they_say(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@EACH
@given(pair=PAIRS)
def test_a_similarity_is_within_0_and_1_the_same_both_ways_and_1_for_itself(
    similarity: Similarity, pair: Values
) -> None:
    there, back = similarity(pair[0], pair)[1], similarity(pair[1], pair)[0]
    assert 0 <= there <= 1
    assert there == pytest.approx(back, abs=1e-6)
    assert similarity(pair[0], pair)[0] == pytest.approx(1, abs=1e-6)


@EACH
def test_nothing_is_like_nothing_and_unlike_all_else(similarity: Similarity) -> None:
    nothing, something = np.zeros(4, np.float32), np.ones(4, np.float32)
    assert similarity(nothing, np.stack([nothing, something])).tolist() == [1, 0]
    assert similarity(something, nothing[None]).tolist() == [0]


def test_centred_values_that_point_away_from_each_other_are_not_alike() -> None:
    one = centred(np.array([[0, 1], [1, 0]], np.float32))
    assert cosine(one[0], one).tolist() == [pytest.approx(1), 0]


def test_the_mean_is_over_what_is_known_and_nothing_is_known_of_what_has_no_part() -> None:
    colour = np.array([[0.2, np.nan], [np.nan, 1.0]], np.float32)
    assert mean_of({"colour": colour}, Mix.parse("colour")).tolist() == [
        [pytest.approx(0.2), pytest.approx(np.nan, nan_ok=True)],
        [pytest.approx(np.nan, nan_ok=True), 1.0],
    ]
