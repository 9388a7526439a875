import numpy as np
import pytest

from inference.factors.verdict import Question, Verdict, compare
from tests.harness.factors import factors_of

#: Two tastes: what lies on the axis of a taste suits it.
ITEMS = [f"{colour}-{n}" for colour in ("red", "blue") for n in range(20)]
RIGHT = factors_of({name: (1.0, 0.0) if name.startswith("red") else (0.0, 1.0) for name in ITEMS})
#: Half of each colour is taken for the other one.
WRONG = factors_of({name: (1.0, 0.0) if number % 2 else (0.0, 1.0) for number, name in enumerate(ITEMS)})
RANDOM = np.random.default_rng(1)
QUESTIONS = [
    Question(tuple(f"{colour}-{n}" for n in order[:5]), f"{colour}-{order[5]}")
    for colour in ("red", "blue")
    for order in (RANDOM.permutation(20).tolist() for _ in range(40))
]


def test_factors_that_know_what_users_choose_are_better() -> None:
    better, worse = (compare(*pair, QUESTIONS, ITEMS, {}, 2) for pair in ((WRONG, RIGHT), (RIGHT, WRONG)))

    assert (better.questions, better.is_worse, worse.is_worse) == (80, False, True)
    assert (better.in_use, better.new) == (worse.new, worse.in_use)
    assert better.new > better.in_use + 0.02


def test_the_same_factors_are_not_worse() -> None:
    same = compare(RIGHT, RIGHT, QUESTIONS, ITEMS, {}, 2)
    assert (same.is_worse, same.error, same.in_use) == (False, 0, same.new)


def test_without_questions_nothing_is_worse() -> None:
    assert compare(RIGHT, WRONG, [], ITEMS, {}, 2) == Verdict(0, 0, 0, 0)
    assert not Verdict(0, 0, 0, 0).is_worse


@pytest.mark.parametrize(
    "question",
    [
        Question(("unknown",), "red-1"),
        Question((), "red-1"),
        Question(("red-0",), "unknown"),
        Question(("red-0",), "no-factor"),
    ],
)
def test_what_nothing_is_known_of_gains_nothing(question: Question) -> None:
    assert compare(RIGHT, RIGHT, [question], [*ITEMS, "no-factor"], {}, 2).new == 0


def test_what_a_user_had_before_is_not_ranked_and_equal_ones_share_their_places() -> None:
    before = tuple(f"red-{n}" for n in range(18))
    found = compare(RIGHT, RIGHT, [Question(before, "red-18")], ITEMS, {}, 2)
    # Two are left on the axis: the mean of the first and the second place.
    assert found.new == pytest.approx(1 / np.log2(1 + 1.5))
