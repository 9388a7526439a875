import random

import numpy as np

from features.trends import NO_TRENDS, TREND
from streams.interactions.trend_noise import RENEWED_S, SENSITIVITY, LaplaceNoise

TABLE = np.array([(item, 2.0, 1.0, 7) for item in range(4000)], TREND)


def test_noise_has_the_scale_that_epsilon_says() -> None:
    table = TABLE.copy()
    table["popular"] = 1e3
    moved = LaplaceNoise(1.5, source=random.Random(7)).on(table, 0.0)["popular"] - 1e3
    # The mean distance of Laplace's distribution is its scale.
    assert abs(np.abs(moved).mean() - SENSITIVITY / 1.5) < 0.1
    assert abs(moved.mean()) < 0.15


def test_an_item_keeps_its_noise_for_an_hour_and_then_has_another() -> None:
    noise = LaplaceNoise(1.0)
    first = noise.on(TABLE, 0.0)
    assert noise.on(TABLE, RENEWED_S - 1).tolist() == first.tolist()
    assert noise.on(TABLE, RENEWED_S).tolist() != first.tolist()


def test_nothing_is_less_popular_than_not_at_all_and_nothing_else_is_changed() -> None:
    noisy = LaplaceNoise(0.1).on(TABLE, 0.0)
    assert (noisy["popular"] >= 0).all()
    assert (noisy["trend"] >= 0).all()
    assert noisy[["item", "at_s"]].tolist() == TABLE[["item", "at_s"]].tolist()


def test_an_empty_table_stays_empty() -> None:
    assert len(LaplaceNoise(1.0).on(NO_TRENDS, 0.0)) == 0
