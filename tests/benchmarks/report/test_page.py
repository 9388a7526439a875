from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import pytest

from benchmarks.measures.encoder import EncoderFigures
from benchmarks.measures.index import IndexFigures
from benchmarks.measures.latency import Latency
from benchmarks.measures.memory import Memory
from benchmarks.measures.replay import Replay
from benchmarks.measures.start import Start
from benchmarks.measures.tail import Tail
from benchmarks.measures.throughput import Throughput
from benchmarks.measures.workers import Crews
from benchmarks.report.page import CHARTS, Chart, Machine, render_page

MACHINE = Machine(2, "x86_64", 0.5, "2026-01-01T12:00+00:00")
PRINTED = {
    "latency": Latency,
    "tail": Tail,
    "workers": Crews,
    "throughput": Throughput,
    "encoder": EncoderFigures,
    "index": IndexFigures,
    "memory": Memory,
    "start": Start,
    "replay": Replay,
}


def names(printed: Any, before: str = "") -> set[str]:
    """Of all figures of a dataclass, those of dataclasses within as `a.b`."""
    found = {before + field.name for field in fields(printed)}
    inner = {name: kind for name, kind in get_type_hints(printed).items() if is_dataclass(kind)}
    return found.union(*(names(kind, f"{before}{name}.") for name, kind in inner.items()))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_each_bar_is_a_figure_that_its_bench_prints(chart: Chart) -> None:
    assert {bar.figure for bar in chart.bars} <= names(PRINTED[chart.bench])


def test_the_longest_bar_is_that_of_the_largest_figure() -> None:
    page = render_page({"encoder": {"images_per_s": 20.0, "model_images_per_s": 80.0}}, MACHINE)

    assert "width:25.0%" in page
    assert "width:100.0%" in page
    assert "<b>80</b>" in page


def test_what_was_not_measured_has_no_bar() -> None:
    page = render_page({"start": {"snapshot_s": 1.5, "read_s": None}}, MACHINE)

    assert "from its snapshot" in page
    assert "from the topic" not in page
    assert "sightline bench latency" not in page


def test_nothing_but_zeros_is_drawn_as_well() -> None:
    assert "width:0.0%" in render_page({"memory": {"worker_bytes_per_item": 0.0}}, MACHINE)


def test_the_page_says_where_it_was_measured() -> None:
    assert "2 cores (x86_64), load 0.5 before, 2026-01-01T12:00+00:00" in render_page({}, MACHINE)


def test_a_figure_within_a_scene_has_a_bar() -> None:
    page = render_page({"tail": {"rebalance": {"max_ms": 50.0}, "echo_rebalance": {"max_ms": 200.0}}}, MACHINE)

    assert "width:25.0%" in page


def test_the_page_says_how_noisy_the_noisiest_bench_was() -> None:
    quiet = {"steal_percent": 0.0, "others_percent": 2.0, "spin_spread": 1.01}
    busy = {"steal_percent": 1.5, "others_percent": 40.0, "spin_spread": 1.3}

    page = render_page({"memory": {"noise": quiet}, "replay": {"noise": busy}}, MACHINE)

    assert "1.5 % taken by the hypervisor, 40.0 % by others, speed within 1.30" in page
