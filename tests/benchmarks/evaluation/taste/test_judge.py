from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation.log import UnreadableLog
from benchmarks.evaluation.taste.judge import judge_taste, near_duplicates
from benchmarks.evaluation.taste.sheet import render_sheet
from benchmarks.evaluation.taste.shopper import AFTER
from benchmarks.evaluation.taste.wardrobe import OPENED_MS, Wardrobe, read_wardrobe
from features.item import Item
from streams.settings import Settings

DIMENSIONS = 16
DAY_MS = 86_400_000


def wardrobe(classes: int = 4, of_each: int = 30) -> Wardrobe:
    """Items around one direction for each class, so that looks tell the classes apart."""
    rng = np.random.default_rng(1)
    items, names = {}, {}
    for number in range(classes * of_each):
        kind = number // of_each
        vector = np.eye(DIMENSIONS)[kind] + rng.standard_normal(DIMENSIONS) * 0.1
        name, at_ms = f"i{number}", OPENED_MS - 30 * DAY_MS
        embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        items[name] = Item(name, at_ms, uploaded_at_ms=at_ms, embeddings={"pictures@1": embedding})
        names[name] = f"class{kind}"
    return Wardrobe(items, names, dict.fromkeys(items, b"jpeg"))


def test_clear_tastes_are_followed() -> None:
    shop = wardrobe()
    found, visits = judge_taste(Settings(dimensions=DIMENSIONS), shop, shoppers=3, seed=1, progress=lambda _: None)
    assert found["p_at_10_after_3"] >= 0.8
    assert 1 <= found["clicks_to_forget"] <= AFTER + 1
    assert found["near_duplicates"] == 0
    page = render_sheet(visits, shop)
    assert page.count("<section>") == 3
    assert "class=fits" in page


def test_near_duplicates_are_counted_in_pairs() -> None:
    same = np.array([1.0, 0], np.float32)
    vectors = {"a": same, "b": same, "c": same, "d": np.array([0, 1], np.float32)}
    assert near_duplicates(["a", "b", "d"], vectors) == 1
    assert near_duplicates(["a", "b", "c"], vectors) == 3


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLog, match="must hold labels"):
        read_wardrobe(tmp_path, lambda _: (np.zeros((0, 8), np.float32), []), most=30, progress=lambda _: None)
