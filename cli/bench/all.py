"""What `sightline bench all` does: it runs every bench with its defaults, and writes a page of the results."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.harness.noise import NoiseWatch
from benchmarks.measures.encoder import BATCH, measure_encoder
from benchmarks.measures.index import measure_index
from benchmarks.measures.latency import Plan, measure_latency
from benchmarks.measures.memory import measure_memory
from benchmarks.measures.replay import measure_replay
from benchmarks.measures.start import measure_start
from benchmarks.measures.tail import TailPlan, measure_tail
from benchmarks.measures.throughput import Load, measure_throughput
from benchmarks.measures.workers import measure_workers
from benchmarks.report.page import Machine, render_page
from cli.bench.report import begin
from cli.bench.tables import Found
from cli.output import print_json, progress, results
from streams.settings import Settings, read_settings


def run(scale: float, as_json: bool) -> None:
    """Run every bench at this share of its size, and print the results or the path of their page."""
    begin()
    found, page = _measure(read_settings(), scale)
    if as_json:
        print_json({**found, "page": str(page)})
    else:
        results().print(f"the results are on {page}")


def _measure(settings: Settings, scale: float) -> tuple[dict[str, Any], Path]:
    machine = Machine.here(datetime.now(UTC).isoformat(timespec="minutes"))
    found: dict[str, Any] = {}
    for name, measure in _benches(settings, scale).items():
        progress(f"bench {name}")
        with NoiseWatch() as watch:
            figures = asdict(measure(progress=progress))
        found[name] = {**figures, "noise": asdict(watch.found())}
    folder = settings.home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(msgspec.json.encode({"machine": machine, **found}))
    page = folder / "index.html"
    page.write_text(render_page(found, machine), encoding="utf-8")
    return found, page


def _benches(settings: Settings, scale: float) -> dict[str, Callable[..., Found]]:
    def of(size: int, least: int = 1000) -> int:
        return max(round(size * scale), least)

    rounds = of(3, 1)
    plan = Plan(rate=200, seconds=of(20, 2), rounds=rounds, users=of(1000, 100), items=of(2000, 500))
    tail = TailPlan(rate=200, seconds=of(30, 4), rounds=rounds, users=of(1000, 200), items=of(8000))
    load = Load(events=of(10_000), rounds=rounds, users=of(5000, 500), items=of(2000, 500), workers=1)
    return {
        "latency": partial(measure_latency, settings, plan),
        "tail": partial(measure_tail, settings, tail),
        "throughput": partial(measure_throughput, settings, load),
        "workers": partial(measure_workers, settings, load),
        "encoder": partial(measure_encoder, settings, of(400, BATCH)),
        "index": partial(measure_index, of(100_000), settings.dimensions),
        "memory": partial(measure_memory, settings, users=of(20_000), items=of(50_000, 4000)),
        "start": partial(measure_start, settings, items=of(100_000)),
        "replay": partial(measure_replay, settings, events=of(20_000), rate=200),
    }
