import pytest

from benchmarks.measures import tail
from benchmarks.measures.tail import Scene, Tail, TailPlan, measure_tail
from streams.settings import Settings


@pytest.mark.stack
def test_every_scene_of_the_tail_is_played_and_loses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "STAY_S", 0.5)
    found = measure_tail(settings, TailPlan(rate=50, seconds=1, rounds=1, users=200, items=300, rebalance_s=2))
    scenes: list[Scene] = [getattr(found, name) for name in Tail.__slots__]
    assert [scene.lost for scene in scenes] == [0] * len(scenes)
    assert all(0 < scene.p50_ms <= scene.p999_ms <= scene.max_ms for scene in scenes)
    assert found.rebalance.events == 2 * found.steady.events
