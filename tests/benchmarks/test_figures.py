"""The benches of parts, small: that they run and that their figures are what they say."""

from pathlib import Path

import pytest

from benchmarks.index import measure_index
from benchmarks.memory import measure_memory
from benchmarks.throughput import Load, measure_throughput
from streams.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(tools=Path(__file__).parents[2] / ".sightline" / "tools", kafka=None, redis=None, triton=None)


def test_a_small_index_finds_nearly_everything() -> None:
    found = measure_index(2000, 32)
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
