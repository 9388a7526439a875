from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from benchmarks.harness.delays import Delays
from benchmarks.harness.systems import System
from benchmarks.measures.reembed import ReembedPlan, _clicks, _figures, measure_reembed
from streams.settings import Settings

PLAN = ReembedPlan(items=100, rate=20, seconds=4, users=20, limit_s=60)


class Turns:
    """A system whose clicks of a turn all wait for as many milliseconds as turns were before."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, count: int, rate: float) -> Delays:
        self.sizes.append(count)
        return np.full(count, float(len(self.sizes)))


def clicks(turns: Turns, seconds: float, is_over: Callable[[], bool] = lambda: False) -> list[float]:
    return list(map(float, _clicks(cast(System, turns), PLAN, seconds, is_over=is_over)))


def test_users_click_for_as_long_as_asked() -> None:
    turns = Turns()
    assert len(clicks(turns, 12)) == 300
    assert turns.sizes == [100, 100, 100]


def test_a_turn_in_which_the_command_ended_does_not_count() -> None:
    turns = Turns()
    assert clicks(turns, 60, lambda: len(turns.sizes) == 3) == [1.0] * 100 + [2.0] * 100


def test_a_command_that_ends_within_the_first_turn_has_figures() -> None:
    assert clicks(Turns(), 60, lambda: True) == [1.0] * 100


def test_ratios_are_of_meanwhile_to_before() -> None:
    before, meanwhile, after = np.full(100, 10.0), np.full(100, 15.0), np.full(100, 10.0)
    found = _figures(before, meanwhile, after, taken_s=20, embedded=400, lost=0)
    assert (found.ratio_p50, found.ratio_p99, found.items_per_s) == (1.5, 1.5, 20.0)


@pytest.mark.stack
def test_a_small_run_embeds_every_item_and_loses_nothing(settings: Settings) -> None:
    found = measure_reembed(settings, replace(PLAN, per_second=50))
    assert (found.embedded, found.lost) == (100, 0)
    assert min(found.before_p50_ms, found.meanwhile_p50_ms, found.after_p50_ms) > 0
