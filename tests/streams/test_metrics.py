import time

from prometheus_client import REGISTRY

from streams.metrics import StageTimer


def test_a_stage_is_what_passed_since_the_one_before() -> None:
    before_ms = time.time_ns() // 1_000_000
    stages = StageTimer()
    stages.end("load")
    spent = time.perf_counter()
    while time.perf_counter() - spent < 0.02:
        pass
    stages.end("rank")

    assert before_ms <= stages.started_ms <= time.time_ns() // 1_000_000
    assert list(stages.milliseconds) == ["load", "rank"]
    assert stages.milliseconds["rank"] >= 20


def test_a_stage_is_observed() -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("sightline_stage_seconds_count", {"stage": "commit"}) or 0.0

    before = count()
    StageTimer().end("commit")

    assert count() == before + 1
