"""The results of the benches as tables and lines."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeAlias

from rich.table import Table

from benchmarks.faults.outcome import Outcome
from benchmarks.harness.noise import Noise
from benchmarks.measures.latency import Latency
from benchmarks.measures.tail import Scene, Tail
from benchmarks.measures.workers import Change, Crew, Crews
from cli.console import styled

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Found: TypeAlias = "DataclassInstance"
#: Larger numbers are shown without decimals.
_EXACT = 100


def figures_table(found: Found) -> Table:
    """A table with one row per figure."""
    table = Table("figure", "value")
    for name, value in asdict(found).items():
        shown = "not measured" if value is None else value if isinstance(value, str) else f"{value:,}"
        table.add_row(name, shown)
    return table


def latency_table(found: Latency) -> Table:
    """A table with one row per system."""
    lost = f"{found.lost} of our events lost, lag {found.lag_growth_per_s:+.2f} a second"
    table = Table("", "p50 ms", "p99 ms", "p99.9 ms", caption=lost)
    table.add_row("Sightline", *_numbers(found.p50_ms, found.p99_ms, found.p999_ms))
    table.add_row("bare Faust echo", *_numbers(found.echo_p50_ms, found.echo_p99_ms))
    table.add_row("ratio", *_numbers(found.ratio_p50, found.ratio_p99))
    table.add_row("our handler without Faust", *_numbers(found.floor_p50_ms, found.floor_p99_ms))
    table.add_row("bare aiokafka echo", *_numbers(found.aiokafka_echo_p50_ms, found.aiokafka_echo_p99_ms))
    table.add_row("bare quixstreams echo", *_numbers(found.quixstreams_echo_p50_ms, found.quixstreams_echo_p99_ms))
    return table


def tail_table(found: Tail) -> Table:
    """A table with one row per scene, in milliseconds."""
    caption = "milliseconds; busy, sparse: p99 in that partition; gap: the longest time without any list"
    table = Table("scene", "p50", "p99", "p99.9", "longest", "busy", "sparse", "gap", "lost", caption=caption)
    for name in Tail.__slots__:
        scene: Scene = getattr(found, name)
        all_ms = (scene.p50_ms, scene.p99_ms, scene.p999_ms, scene.max_ms)
        shown = _numbers(*all_ms, scene.busy_p99_ms, scene.sparse_p99_ms, scene.longest_gap_ms)
        table.add_row(name.replace("_", " "), *shown, str(scene.lost))
    return table


def workers_table(found: Crews) -> Table:
    """A table with one row per number of workers."""
    columns = ("events/s", "us each", "echo's", "ratio", "joined", "left", "echo's", "")
    caption = f"us: processor time; joined, left: ms that an event waited at most; {found.lost} of our events lost"
    table = Table("", *columns, caption=caption)
    for name in ("one", "two", "four"):
        crew: Crew = getattr(found, name)
        rates = (crew.events_per_s, crew.cpu_us_per_event, crew.echo_events_per_s)
        changes = (crew.joined, crew.left, crew.echo_joined, crew.echo_left)
        table.add_row(name, *(f"{rate:,.0f}" for rate in rates), f"{crew.ratio:.2f}", *map(_change, changes))
    return table


def noise_line(noise: Noise) -> str:
    """The noise of the machine during a measurement."""
    shares = (
        f"{noise.steal_percent:.1f} % of the processors taken by the hypervisor, {noise.others_percent:.1f} % by others"
    )
    return f"noise: {shares}; a fixed piece of work took up to {noise.spin_spread:.2f} times its median"


def outcome_line(outcome: Outcome) -> dict[str, object]:
    """The outcome of a fault as a JSON object."""
    return {**asdict(outcome), "pass": outcome.passed}


def verdict(outcome: Outcome) -> str:
    """`pass`, or `FAIL` and the reasons."""
    return "pass" if outcome.passed else f"FAIL: {'; '.join(outcome.wrong)}"


def outcomes_table(outcomes: Sequence[Outcome]) -> Table:
    """A table with one row per fault."""
    table = Table("fault", "events", "lost", "applied twice", "recovered after", "")
    for each in outcomes:
        recovered = "never" if each.recovered_s is None else f"{each.recovered_s:.1f} s"
        shown = styled((verdict(each), "green" if each.passed else "red"))
        table.add_row(each.fault, f"{each.events:,}", str(each.lost), str(each.double_applied), recovered, shown)
    return table


def _numbers(*values: float | None) -> list[str]:
    return [
        "not measured" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}" for value in values
    ]


def _change(change: Change | None) -> str:
    return "" if change is None else f"{change.wait_ms:,.0f}"
