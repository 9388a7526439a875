"""One page with the results of the benchmarks: each chart shows our figure beside its reference."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.harness.noise import Noise
from benchmarks.report.frame import framed

_STYLE = Path(__file__).with_suffix(".css")

#: The printed result of one benchmark: numbers, None if not measured, and nested objects of these by name.
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: the name of the figure (`a.b` is the b of a), its label, and whether it is ours or a reference."""

    figure: str
    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures of one benchmark in one unit."""

    title: str
    bench: str
    unit: str
    better: str
    bars: Sequence[Bar]


CHARTS = (
    Chart(
        "From an event to its list, median",
        "latency",
        "ms",
        "less is better",
        (
            Bar("p50_ms", "Sightline", True),
            Bar("floor_p50_ms", "its handler without Faust"),
            Bar("echo_p50_ms", "bare Faust echo"),
            Bar("aiokafka_echo_p50_ms", "bare aiokafka echo"),
            Bar("quixstreams_echo_p50_ms", "bare quixstreams echo"),
        ),
    ),
    Chart(
        "From an event to its list, 99th percentile",
        "latency",
        "ms",
        "less is better",
        (
            Bar("p99_ms", "Sightline", True),
            Bar("floor_p99_ms", "its handler without Faust"),
            Bar("echo_p99_ms", "bare Faust echo"),
            Bar("aiokafka_echo_p99_ms", "bare aiokafka echo"),
            Bar("quixstreams_echo_p99_ms", "bare quixstreams echo"),
        ),
    ),
    Chart(
        "From an event to its list, 99.9th percentile, while …",
        "tail",
        "ms",
        "less is better",
        (
            Bar("steady.p999_ms", "nothing else happens", True),
            Bar("growth.p999_ms", "200 items a second arrive", True),
            Bar("burst.p999_ms", "1,000 items arrive at once", True),
            Bar("hot_user.p999_ms", "one user makes half of the clicks", True),
            Bar("hot_item.p999_ms", "one item gets half of the clicks", True),
            Bar("echo.p999_ms", "bare Faust echo"),
        ),
    ),
    Chart(
        "A sparse partition beside a busy one, 99th percentile",
        "tail",
        "ms",
        "less is better",
        (
            Bar("steady.sparse_p99_ms", "Sightline, sparse", True),
            Bar("steady.busy_p99_ms", "Sightline, busy", True),
            Bar("echo.sparse_p99_ms", "bare Faust echo, sparse"),
            Bar("echo.busy_p99_ms", "bare Faust echo, busy"),
        ),
    ),
    Chart(
        "The longest delay when a worker joins and leaves",
        "tail",
        "ms",
        "less is better",
        (Bar("rebalance.max_ms", "Sightline", True), Bar("echo_rebalance.max_ms", "bare Faust echo")),
    ),
    Chart(
        "Events answered by 1, 2 and 4 workers on this machine",
        "workers",
        "a second",
        "more is better",
        (
            Bar("one.events_per_s", "Sightline, 1", True),
            Bar("two.events_per_s", "Sightline, 2", True),
            Bar("four.events_per_s", "Sightline, 4", True),
            Bar("one.echo_events_per_s", "bare Faust echo, 1"),
            Bar("two.echo_events_per_s", "bare Faust echo, 2"),
            Bar("four.echo_events_per_s", "bare Faust echo, 4"),
        ),
    ),
    Chart(
        "Events answered with a list by one worker",
        "throughput",
        "a second",
        "more is better",
        (
            Bar("events_per_s", "Sightline", True),
            Bar("floor_events_per_s", "its handler without Faust"),
            Bar("echo_events_per_s", "bare Faust echo"),
            Bar("patched_echo_events_per_s", "Faust echo on our transport"),
        ),
    ),
    Chart(
        "Pictures from upload to catalogue",
        "encoder",
        "a second",
        "more is better",
        (Bar("images_per_s", "Sightline", True), Bar("model_images_per_s", "bare ONNX session")),
    ),
    Chart(
        "One search of the index, median",
        "index",
        "ms",
        "less is better",
        (Bar("p50_ms", "Sightline", True), Bar("exact_p50_ms", "exact search with numpy")),
    ),
    Chart(
        "Time until a new worker has the catalogue",
        "start",
        "s",
        "less is better",
        (Bar("snapshot_s", "from its snapshot", True), Bar("read_s", "from the topic")),
    ),
    Chart(
        "The state rebuilt from the log",
        "replay",
        "events a second",
        "more is better",
        (Bar("events_per_s", "rebuild", True), Bar("live_events_per_s", "live rate")),
    ),
    Chart(
        "Memory of an item in a worker",
        "memory",
        "bytes",
        "less is better",
        (Bar("worker_bytes_per_item", "Sightline", True),),
    ),
    Chart(
        "Redis for a user with 100 events",
        "memory",
        "bytes",
        "less is better",
        (Bar("redis_bytes_per_user", "Sightline", True),),
    ),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and time of the measurement; `load` is the mean number of runnable processes in the minute before."""

    cores: int
    processor: str
    load: float
    at: str

    @classmethod
    def here(cls, at: str) -> "Machine":
        """The machine of this process."""
        cores = os.cpu_count() or 1
        return cls(cores, platform.processor() or platform.machine(), round(os.getloadavg()[0], 2), at)


def render_page(found: Mapping[str, Figures], machine: Machine) -> str:
    """The charts of the benchmarks in `found`, as one self-contained HTML page."""
    charts = "\n".join(_chart(chart, found[chart.bench]) for chart in CHARTS if chart.bench in found)
    about = f"{machine.cores} cores ({machine.processor}), load {machine.load} before, {machine.at}{_noise(found)}"
    body = f"""<header><h1>Sightline benchmarks</h1><p>{escape(about)}</p></header>
<div class="charts">
{charts}
</div>"""
    return framed("Sightline benchmarks", _STYLE, body)


def _noise(found: Mapping[str, Figures]) -> str:
    """The worst noise over all benchmarks, as text."""
    noise = [figures["noise"] for figures in found.values() if "noise" in figures]
    if not noise:
        return ""
    steal, others, spread = (max(each[name] for each in noise) for name in Noise.__slots__)
    return (
        f". Noise at most: {steal:.1f} % taken by the hypervisor, {others:.1f} % by others, speed within {spread:.2f}"
    )


def _chart(chart: Chart, figures: Figures) -> str:
    values = [(bar, value) for bar in chart.bars if (value := _figure(figures, bar.figure)) is not None]
    longest = max((value for _, value in values), default=0.0) or 1.0
    return f"""<section>
<h2>{escape(chart.title)}</h2>
<p>{escape(chart.unit)}, {escape(chart.better)} · <code>sightline bench {escape(chart.bench)}</code></p>
<dl>{"".join(_bar(bar, value, value / longest) for bar, value in values)}</dl>
</section>"""


def _figure(figures: Figures, name: str) -> float | None:
    first, _, rest = name.partition(".")
    found: Any = figures.get(first)
    return _figure(found, rest) if rest and found is not None else found


def _bar(bar: Bar, value: float, share: float) -> str:
    kind = ' class="ours"' if bar.ours else ""
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"<dt>{escape(bar.name)}</dt><dd{kind}><i style='width:{100 * share:.1f}%'></i><b>{shown}</b></dd>"
