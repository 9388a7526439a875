from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.errors import ModelRefused
from inference.ranking.features import FEATURES
from inference.ranking.lessons import (
    LESSON_BYTES,
    LESSON_LIMIT,
    Lesson,
    decode_lesson,
    encode_lesson,
    lesson_from,
)


def numbered(count: int) -> NDArray[np.float32]:
    """The features of candidates, of which the first is the number of the candidate."""
    features = np.zeros((count, len(FEATURES)), np.float32)
    features[:, 0] = np.arange(count)
    return features


def lesson_of(count: int, chosen: int, seed: int = 7) -> Lesson:
    return lesson_from(numbered(count), chosen, user=2**63 + 1, at_ms=5, weight=2.0, slot=3, seed=seed)


@given(st.integers(1, 500), st.data())
def test_a_lesson_has_the_chosen_one_and_at_most_a_hundred_others(count: int, data: st.DataObject) -> None:
    chosen = data.draw(st.integers(0, count - 1))
    lesson = lesson_of(count, chosen, data.draw(st.integers(0, 2**64 - 1)))
    numbers = lesson.features[:, 0].tolist()

    assert len({*numbers}) == len(numbers) == min(count, LESSON_LIMIT)
    assert numbers[lesson.chosen] == chosen


def test_other_events_draw_other_candidates_and_the_same_event_the_same() -> None:
    one, again, other = (lesson_of(500, 250, seed).features[:, 0].tolist() for seed in (1, 1, 2))

    assert one == again != other


def test_a_lesson_comes_back_as_it_was() -> None:
    lesson = lesson_of(3, 1)
    back = decode_lesson(encode_lesson(lesson))

    assert (back.user, back.at_ms, back.chosen, back.weight, back.slot) == (2**63 + 1, 5, 1, 2.0, 3)
    assert back.features.tolist() == lesson.features.tolist()


def test_the_longest_lesson_is_not_too_long() -> None:
    assert len(encode_lesson(lesson_of(500, 3))) <= LESSON_BYTES


def changed(place: int, value: Any) -> bytes:
    """An encoded lesson of three candidates with another field."""
    fields = msgspec.msgpack.decode(encode_lesson(lesson_of(3, 1)))
    fields[place] = value
    return msgspec.msgpack.encode(fields)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not decode"),
        (b"\0" * (LESSON_BYTES + 1), "bytes, more than"),
        (changed(0, "smell\n" + "\n".join(FEATURES)), r"\['smell'\] are not in both"),
        (changed(3, 3), "chooses 3 of 3"),
        (changed(3, -1), "chooses -1 of 3"),
        (changed(4, float("nan")), "weight nan"),
        (changed(4, 9.0), "weight 9.0, not within ±8"),
        (changed(6, b"\0"), "1 bytes of features"),
        (changed(6, b""), "0 bytes of features"),
        (changed(6, np.full(3 * len(FEATURES), np.nan, "<f2").tobytes()), "no number"),
    ],
)
def test_a_lesson_that_cannot_be_learned_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ModelRefused, match=why):
        decode_lesson(data)
