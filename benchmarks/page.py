"""One page of what the benchmarks found: a chart each, ours beside its reference."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

_PAGE = Path(__file__).with_suffix(".html")

#: What one bench found, by the names under which it prints them.
Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure by its name, and what it is called; `ours` sets it off from the references."""

    figure: str
    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Figures of one bench in one unit, with the command that prints them."""

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
        ),
    ),
    Chart(
        "From an event to its list, one in a hundred takes longer",
        "latency",
        "ms",
        "less is better",
        (Bar("p99_ms", "Sightline", True), Bar("echo_p99_ms", "bare Faust echo")),
    ),
    Chart(
        "Events one worker answers with a list",
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
        "A new worker has the catalogue",
        "start",
        "s",
        "less is better",
        (Bar("snapshot_s", "from its snapshot", True), Bar("read_s", "from the topic")),
    ),
    Chart(
        "The state made anew from the log",
        "replay",
        "events a second",
        "more is better",
        (Bar("events_per_s", "rebuild", True), Bar("live_events_per_s", "as they came")),
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
    """Where and when it was measured; `load` is the mean number of runnable processes in the minute before."""

    cores: int
    processor: str
    load: float
    at: str

    @classmethod
    def here(cls, at: str) -> "Machine":
        """This one."""
        cores = os.cpu_count() or 1
        return cls(cores, platform.processor() or platform.machine(), round(os.getloadavg()[0], 2), at)


def render_page(found: Mapping[str, Figures], machine: Machine) -> str:
    """The charts of the benches that were run, as one HTML file that needs nothing beside it."""
    charts = [_chart(chart, found[chart.bench]) for chart in CHARTS if chart.bench in found]
    about = f"{machine.cores} cores ({machine.processor}), load {machine.load} before, {machine.at}"
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(charts="\n".join(charts), machine=escape(about))


def _chart(chart: Chart, figures: Figures) -> str:
    values = [(bar, value) for bar in chart.bars if (value := figures.get(bar.figure)) is not None]
    longest = max((value for _, value in values), default=0.0) or 1.0
    return f"""<section>
<h2>{escape(chart.title)}</h2>
<p>{escape(chart.unit)}, {escape(chart.better)} · <code>sightline bench {escape(chart.bench)}</code></p>
<dl>{"".join(_bar(bar, value, value / longest) for bar, value in values)}</dl>
</section>"""


def _bar(bar: Bar, value: float, share: float) -> str:
    kind = ' class="ours"' if bar.ours else ""
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"<dt>{escape(bar.name)}</dt><dd{kind}><i style='width:{100 * share:.1f}%'></i><b>{shown}</b></dd>"
