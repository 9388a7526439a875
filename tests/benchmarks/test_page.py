from dataclasses import fields

import pytest

from benchmarks.encoder import EncoderFigures
from benchmarks.index import IndexFigures
from benchmarks.latency import Latency
from benchmarks.memory import Memory
from benchmarks.page import CHARTS, Chart, Machine, render_page
from benchmarks.replay import Replay
from benchmarks.start import Start
from benchmarks.throughput import Throughput

MACHINE = Machine(2, "x86_64", 0.5, "2026-01-01T12:00+00:00")
PRINTED = {
    "latency": Latency,
    "throughput": Throughput,
    "encoder": EncoderFigures,
    "index": IndexFigures,
    "memory": Memory,
    "start": Start,
    "replay": Replay,
}


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
def test_each_bar_is_a_figure_that_its_bench_prints(chart: Chart) -> None:
    printed = {field.name for field in fields(PRINTED[chart.bench])}

    assert {bar.figure for bar in chart.bars} <= printed


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
