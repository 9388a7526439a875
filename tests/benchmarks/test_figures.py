"""The benches of parts, small: that they run and that their figures are what they say."""

from pathlib import Path

import pytest

from benchmarks.measures.index import measure_index
from benchmarks.measures.memory import measure_memory
from benchmarks.measures.tail import Scene, Tail, TailPlan, measure_tail
from benchmarks.measures.throughput import Load, measure_throughput
from benchmarks.measures.workers import measure_workers
from streams.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(tools=Path(__file__).parents[2] / ".sightline" / "tools", kafka=None, redis=None, triton=None)


def test_a_small_index_finds_nearly_everything() -> None:
    found = measure_index(2000, 32, adding_s=1)
    assert found.recall_at_50 > 0.95
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.adds_per_s > 0


@pytest.mark.stack
def test_a_user_in_redis_takes_more_than_the_profile_and_less_than_ten_times_that(settings: Settings) -> None:
    found = measure_memory(settings, users=1000, items=4000)
    assert 500 < found.redis_bytes_per_user < 5000
    assert found.worker_bytes_per_item > 512


@pytest.mark.stack
def test_a_backlog_is_answered_whole(settings: Settings) -> None:
    found = measure_throughput(settings, Load(events=500, rounds=1, users=100, items=100, workers=1))
    assert found.lost == 0
    assert min(found.events_per_s, found.echo_events_per_s, found.floor_events_per_s, found.cpu_us_per_event) > 0


@pytest.mark.stack
def test_every_scene_of_the_tail_is_played_and_loses_nothing(settings: Settings) -> None:
    found = measure_tail(settings, TailPlan(rate=50, seconds=2, rounds=1, users=200, items=300, rebalance_s=4))
    scenes: list[Scene] = [getattr(found, name) for name in Tail.__slots__]
    assert [scene.lost for scene in scenes] == [0] * len(scenes)
    assert all(0 < scene.p50_ms <= scene.p999_ms <= scene.max_ms for scene in scenes)
    assert found.rebalance.events == 2 * found.steady.events


@pytest.mark.stack
def test_more_workers_answer_everything_and_what_each_change_cost_is_known(settings: Settings) -> None:
    found = measure_workers(settings, Load(events=500, rounds=1, users=100, items=100, workers=1), watch_s=4)
    assert found.lost == 0
    assert found.one.joined is None
    for crew in (found.two, found.four):
        assert crew.events_per_s > 0
        assert crew.joined is not None
        assert crew.left is not None
        assert min(crew.joined.gap_ms, crew.left.gap_ms) > 0
