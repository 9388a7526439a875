"""`sightline bench …`: what the README's figures are measured with, each with its reference in the same run."""

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from benchmarks.encoder import BATCH, measure_encoder
from benchmarks.faults.fault import Outcome
from benchmarks.faults.run import run_faults
from benchmarks.faults.table import UnknownFault, find_faults
from benchmarks.index import measure_index
from benchmarks.latency import Latency, Plan, measure_latency
from benchmarks.memory import measure_memory
from benchmarks.page import Machine, render_page
from benchmarks.replay import measure_replay
from benchmarks.start import measure_start
from benchmarks.throughput import Load, measure_throughput
from cli.fuzz import fuzz
from cli.output import JsonOption, print_json, progress, results
from streams.logs import configure_logs
from streams.settings import read_settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

app = typer.Typer(help="Measure on services of its own, started and ended by the command.", no_args_is_help=True)
app.command()(fuzz)


@app.command()
def latency(
    rate: Annotated[float, typer.Option(min=1, help="Events a second.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds of each system, over all rounds.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="The systems take turns so often; medians count.")] = 3,
    users: Annotated[int, typer.Option(min=1, help="How many users click.")] = 1000,
    items: Annotated[int, typer.Option(min=1, help="Size of the catalogue.")] = 2000,
    as_json: JsonOption = False,
) -> None:
    """Event produced to list consumed, against a bare Faust echo and against our handler without Faust."""
    _begin()
    plan = Plan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    found = measure_latency(read_settings(), plan, progress=progress)
    if as_json:
        print_json(asdict(found))
    else:
        _print_table(found)


@app.command()
def throughput(
    events: Annotated[int, typer.Option(min=1000, help="Events in each round.")] = 10_000,
    workers: Annotated[int, typer.Option(min=1, help="Interactions workers that share them.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="The systems take turns so often; medians count.")] = 3,
    users: Annotated[int, typer.Option(min=1, help="How many users click.")] = 5000,
    items: Annotated[int, typer.Option(min=1, help="Size of the catalogue.")] = 2000,
    as_json: JsonOption = False,
) -> None:
    """Events a second with a backlog of them, each answered by a real list, against a bare Faust echo."""
    _begin()
    load = Load(events=events, rounds=rounds, users=users, items=items, workers=workers)
    _print(measure_throughput(read_settings(), load, progress=progress), as_json=as_json)


@app.command()
def index(
    items: Annotated[int, typer.Option(min=1000, help="Vectors in the index.")] = 100_000,
    dim: Annotated[int, typer.Option(min=8, help="Dimensions of a vector.")] = 256,
    as_json: JsonOption = False,
) -> None:
    """The vector index of a worker's memory against exact search: delay, recall, memory."""
    _begin()
    _print(measure_index(items, dim, progress=progress), as_json=as_json)


@app.command()
def memory(
    users: Annotated[int, typer.Option(min=1000, help="Users in Redis.")] = 20_000,
    items: Annotated[int, typer.Option(min=1000, help="Items in the catalogue replica.")] = 50_000,
    as_json: JsonOption = False,
) -> None:
    """Bytes of Redis a user with 100 events, and of a worker's memory an item."""
    _begin()
    _print(measure_memory(read_settings(), users=users, items=items, progress=progress), as_json=as_json)


@app.command()
def encoder(
    images: Annotated[int, typer.Option(min=BATCH, help="Pictures in each measurement.")] = 400,
    as_json: JsonOption = False,
) -> None:
    """Pictures a second from the upload topic to the catalogue, against the bare model on the same cores."""
    _begin()
    _print(measure_encoder(read_settings(), images, progress=progress), as_json=as_json)


@app.command()
def start(
    items: Annotated[int, typer.Option(min=1, help="Size of the catalogue.")] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """How long a new worker takes to have the catalogue: from the topic, and from a snapshot."""
    _begin()
    _print(measure_start(read_settings(), items=items, progress=progress), as_json=as_json)


@app.command()
def replay(
    events: Annotated[int, typer.Option(min=1000, help="Events in the log.")] = 20_000,
    rate: Annotated[float, typer.Option(min=1, help="Events a second at which the stream is taken to run.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """How fast `sightline rebuild` makes the state of the log anew."""
    _begin()
    _print(measure_replay(read_settings(), events=events, rate=rate, progress=progress), as_json=as_json)


@app.command("all")
def everything(as_json: JsonOption = False) -> None:
    """Each bench but faults and fuzz, once with its defaults, and a page of what they found; about ten minutes."""
    _begin()
    settings = read_settings()
    machine = Machine.here(datetime.now(UTC).isoformat(timespec="minutes"))
    plan = Plan(rate=200, seconds=20, rounds=3, users=1000, items=2000)
    load = Load(events=10_000, rounds=3, users=5000, items=2000, workers=1)
    benches: dict[str, Callable[[], DataclassInstance]] = {
        "latency": lambda: measure_latency(settings, plan, progress=progress),
        "throughput": lambda: measure_throughput(settings, load, progress=progress),
        "encoder": lambda: measure_encoder(settings, 400, progress=progress),
        "index": lambda: measure_index(100_000, settings.dimensions, progress=progress),
        "memory": lambda: measure_memory(settings, users=20_000, items=50_000, progress=progress),
        "start": lambda: measure_start(settings, items=100_000, progress=progress),
        "replay": lambda: measure_replay(settings, events=20_000, rate=200, progress=progress),
    }
    found = {}
    for name, measure in benches.items():
        progress(f"bench {name}")
        found[name] = asdict(measure())
    folder = settings.home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_bytes(msgspec.json.encode({"machine": machine, **found}))
    page = folder / "index.html"
    page.write_text(render_page(found, machine), encoding="utf-8")
    if as_json:
        print_json({**found, "page": str(page)})
    else:
        results().print(f"what was found is on {page}", highlight=False)


@app.command()
def faults(
    only: Annotated[list[str] | None, typer.Option(help="Only this fault; may be given several times.")] = None,
    rate: Annotated[float, typer.Option(min=1, help="Events a second while the fault strikes.")] = 200,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long redis-down and worker-killed-often last.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Break every part under load, and have the oracle say whether an event was lost or counted twice."""
    _begin()
    try:
        chosen = find_faults(only or ())
    except UnknownFault as error:
        raise typer.BadParameter(str(error), param_hint="--only") from error
    outcomes = []
    for outcome in run_faults(read_settings(), chosen, rate=rate, minutes=minutes, progress=progress):
        outcomes.append(outcome)
        if as_json:
            print_json(_line(outcome))
    if not as_json:
        _print_outcomes(outcomes)
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(1)


def _begin() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all we started is ended
    configure_logs("warning")


def _print(found: "DataclassInstance", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    table = Table("figure", "value")
    for name, value in asdict(found).items():
        table.add_row(name, "not measured" if value is None else f"{value:,}")
    results().print(table)


def _line(outcome: Outcome) -> dict[str, object]:
    return {**asdict(outcome), "pass": outcome.passed}


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    table = Table("fault", "events", "lost", "applied twice", "recovered after", "")
    for each in outcomes:
        recovered = "never" if each.recovered_s is None else f"{each.recovered_s:.1f} s"
        verdict = Text("pass", "green") if each.passed else Text("\n".join(("FAIL", *each.wrong)), "red")
        table.add_row(each.fault, f"{each.events:,}", str(each.lost), str(each.double_applied), recovered, verdict)
    results().print(table)


def _print_table(found: Latency) -> None:
    table = Table("", "p50 ms", "p99 ms", "p99.9 ms")
    table.add_row("Sightline", f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}", f"{found.p999_ms:.2f}")
    table.add_row("bare Faust echo", f"{found.echo_p50_ms:.2f}", f"{found.echo_p99_ms:.2f}", "")
    table.add_row("ratio", f"{found.ratio_p50:.2f}", f"{found.ratio_p99:.2f}", "")
    table.add_row("our handler without Faust", f"{found.floor_p50_ms:.2f}", "", "")
    results().print(table)
    results().print(f"{found.lost} events lost", highlight=False)
