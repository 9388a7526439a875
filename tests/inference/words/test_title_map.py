"""What titles teach of looks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.words.title_map import LEAST_ITEMS, TitleMap

KINDS, LOOKS, WORDS = 8, 16, 32
_BASIS = np.eye(WORDS, dtype=np.float32)


def shop(items: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """The looks of items, their titles, and their kinds: a kind has one look, with some noise, and one title."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, KINDS, items)
    looks = np.eye(LOOKS)[kinds] + rng.normal(0, 0.1, (items, LOOKS))
    return unit(looks), _BASIS[kinds], kinds


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


def test_a_picture_is_read_as_the_titles_of_pictures_like_it() -> None:
    looks, titles, _ = shop(400)
    found = TitleMap.fit(looks, titles)
    assert found is not None
    assert found.items == 400
    others, _, kinds = shop(50, seed=1)
    assert found.read(others)[:, :KINDS].argmax(axis=1).tolist() == kinds.tolist()


def test_what_is_read_is_joined_with_what_is_seen_to_unit_vectors() -> None:
    looks, titles, kinds = shop(400)
    found = TitleMap.fit(looks, titles)
    assert found is not None
    seen = np.tile(_BASIS[WORDS - 1], (400, 1))
    joined = found.joined(seen, looks)
    assert np.linalg.norm(joined, axis=1) == pytest.approx(1, abs=1e-5)
    assert joined[:, WORDS - 1].min() > 0.5
    assert joined[np.arange(400), kinds].min() > 0.5


@pytest.mark.parametrize("items", [0, 1, LEAST_ITEMS - 1])
def test_of_too_few_items_nothing_is_learned(items: int) -> None:
    assert TitleMap.fit(*shop(items)[:2]) is None
    assert TitleMap.fit(*shop(LEAST_ITEMS)[:2]) is not None


def test_of_titles_that_have_nothing_to_do_with_looks_nothing_is_learned() -> None:
    looks, titles, _ = shop(400)
    assert TitleMap.fit(looks, titles[np.random.default_rng(2).permutation(400)]) is None


def test_of_one_title_for_all_nothing_is_learned() -> None:
    looks, titles, _ = shop(400)
    # In float32 the mean of one title for all is a little beside it.
    uneven = unit(np.random.default_rng(3).normal(size=(1, WORDS)))
    for title in (titles[:1], uneven):
        assert TitleMap.fit(looks, np.tile(title, (400, 1))) is None
        assert TitleMap.fit(np.tile(looks[:1], (400, 1)), np.tile(title, (400, 1))) is None


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_of_a_vector_that_is_none_nothing_is_learned(which: int) -> None:
    looks, titles, _ = shop(400)
    (looks, titles)[which][7] = np.nan
    assert TitleMap.fit(looks, titles) is None


def test_of_one_picture_for_all_nothing_is_learned() -> None:
    looks, titles, _ = shop(400)
    assert TitleMap.fit(np.tile(looks[:1], (400, 1)), titles) is None
