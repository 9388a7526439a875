import numpy as np
import pytest

from benchmarks.evaluation.measures import FIGURES, Answers, Catalogue, judge


def of(places: tuple[int, ...], targets: int) -> dict[str, float]:
    return dict(zip(FIGURES, judge(places, targets).tolist(), strict=True))


def test_one_wanted_item_at_the_third_place() -> None:
    found = of((3,), 1)
    assert found["hit_at_5"] == found["recall_at_5"] == 1
    assert found["precision_at_5"] == pytest.approx(0.2)
    assert found["f1_at_5"] == pytest.approx(1 / 3)
    assert found["ndcg_at_5"] == pytest.approx(0.5)
    assert found["mrr"] == pytest.approx(1 / 3)


def test_a_place_beyond_the_length_is_no_hit() -> None:
    found = of((7,), 1)
    assert (found["hit_at_5"], found["hit_at_10"]) == (0, 1)


def test_two_of_four_wanted_items() -> None:
    found = of((1, 2), 4)
    assert found["recall_at_10"] == pytest.approx(0.5)
    assert found["ndcg_at_10"] == pytest.approx((1 + 1 / np.log2(3)) / sum(1 / np.log2(1 + k) for k in range(1, 5)))


def test_an_answer_without_the_wanted_item_is_nought() -> None:
    assert not judge((), 1).any()


def test_coverage_diversity_and_novelty_of_slots() -> None:
    catalogue = Catalogue(np.array([0, 0, 1, -1]), np.array([3.0, 0, 0, 0]), np.ones(4, bool))
    answers = Answers()
    answers.add([0, 1, 2], {2}, catalogue)
    found = answers.figures(catalogue)
    assert found["coverage"] == 0.75
    assert found["diversity"] == pytest.approx(2 / 3)
    assert catalogue.novelty([0]) == pytest.approx(-np.log2(4 / 7))
    assert answers.of({"none": [False]})["none"] == {
        "questions": 0,
        "hit_at_10": None,
        "recall_at_10": None,
        "ndcg_at_10": None,
        "mrr": None,
    }
