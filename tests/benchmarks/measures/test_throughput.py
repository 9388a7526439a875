import pytest

from benchmarks.measures.throughput import Load, measure_throughput
from streams.settings import Settings


@pytest.mark.stack
def test_a_backlog_is_answered_completely(settings: Settings) -> None:
    found = measure_throughput(settings, Load(events=500, rounds=1, users=100, items=100, workers=1))
    assert found.lost == 0
    assert min(found.events_per_s, found.echo_events_per_s, found.floor_events_per_s, found.cpu_us_per_event) > 0
