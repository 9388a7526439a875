import pytest

from benchmarks.measures.throughput import Load
from benchmarks.measures.workers import measure_workers
from streams.settings import Settings


@pytest.mark.stack
def test_more_workers_answer_everything_and_each_change_has_its_figures(settings: Settings) -> None:
    found = measure_workers(settings, Load(events=500, rounds=1, users=100, items=100, workers=1), watch_s=2)
    assert found.lost == 0
    assert found.one.joined is None
    for crew in (found.two, found.four):
        assert crew.events_per_s > 0
        assert crew.joined is not None
        assert crew.left is not None
        assert min(crew.joined.gap_ms, crew.left.gap_ms) > 0
