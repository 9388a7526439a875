from dataclasses import replace

import numpy as np
import pytest

from benchmarks.evaluation.taste.across import judge_across
from benchmarks.evaluation.taste.wardrobe import OPENED_MS, Wardrobe
from features.item import Item

DIMENSIONS = 16


def wardrobe(*, alike: bool) -> Wardrobe:
    """Three classes of 8 photos by each of 4 people; those of one person are alike, or not."""
    rng = np.random.default_rng(1)
    items, classes, owners = {}, {}, {}
    for number in range(96):
        kind, person = divmod(number // 8, 4)
        own = person if alike else int(rng.integers(4))
        vector = np.eye(DIMENSIONS)[kind] + 0.5 * np.eye(DIMENSIONS)[3 + own] + rng.standard_normal(DIMENSIONS) * 0.02
        embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        name = f"i{number}"
        items[name] = Item(name, OPENED_MS, uploaded_at_ms=OPENED_MS, embeddings={"pictures@1": embedding})
        classes[name], owners[name] = f"class{kind}", f"person{person}"
    return Wardrobe(items, classes, {}, owners)


def test_what_is_alike_across_classes_is_found() -> None:
    found = judge_across(wardrobe(alike=True), DIMENSIONS, 1)

    assert found["same_person_across"] == 1
    assert found["same_person_across_by_chance"] == pytest.approx(0.25)


def test_what_only_looks_as_if_it_were_is_no_better_than_chance() -> None:
    found = judge_across(wardrobe(alike=False), DIMENSIONS, 1)

    low, high = found["same_person_across_interval"]
    assert low < 0.35
    assert high < 0.5


def test_where_nobody_knows_who_uploaded_a_picture_there_is_no_figure() -> None:
    assert judge_across(replace(wardrobe(alike=True), owners={}), DIMENSIONS, 1) == {}
