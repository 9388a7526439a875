"""`sightline bench …`: what the README's figures are measured with, each with its reference in the same run."""

import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Literal, TypeVar

import typer
from rich.table import Table

from benchmarks.faults.run import run_faults
from benchmarks.faults.table import UnknownFault, find_faults
from benchmarks.harness.noise import NoiseWatch
from benchmarks.measures.encoder import BATCH, measure_encoder
from benchmarks.measures.index import measure_index
from benchmarks.measures.latency import Plan, measure_latency
from benchmarks.measures.memory import measure_memory
from benchmarks.measures.replay import measure_replay
from benchmarks.measures.shared_index import measure_shared_index
from benchmarks.measures.start import measure_start
from benchmarks.measures.tail import TailPlan, measure_tail
from benchmarks.measures.throughput import Load, measure_throughput
from benchmarks.measures.workers import measure_workers
from cli.bench.all import measure_all
from cli.bench.fuzz import fuzz
from cli.bench.tables import (
    Found,
    figures_table,
    latency_table,
    noise_line,
    outcome_line,
    outcomes_table,
    tail_table,
    verdict,
    workers_table,
)
from cli.output import JsonOption, print_json, progress, results
from streams.logs import configure_logs
from streams.settings import read_settings

F = TypeVar("F", bound=Found)

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
    """Event produced to list consumed, against bare echoes and against our handler without Faust."""
    plan = Plan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    _report(lambda: measure_latency(read_settings(), plan, progress=progress), as_json, latency_table)


@app.command()
def tail(
    rate: Annotated[float, typer.Option(min=1, help="Events a second.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds of each scene, over all rounds.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="The scenes take turns so often; medians count.")] = 3,
    users: Annotated[int, typer.Option(min=100, help="How many users click.")] = 1000,
    items: Annotated[int, typer.Option(min=1, help="Size of the catalogue.")] = 8000,
    as_json: JsonOption = False,
) -> None:
    """The slowest answers where one partition is busy and one sparse, and while other things go on."""
    plan = TailPlan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    _report(lambda: measure_tail(read_settings(), plan, progress=progress), as_json, tail_table)


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
    load = Load(events=events, rounds=rounds, users=users, items=items, workers=workers)
    _report(lambda: measure_throughput(read_settings(), load, progress=progress), as_json)


@app.command()
def workers(
    events: Annotated[int, typer.Option(min=1000, help="Events in each round.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="Backlogs that each number of workers empties.")] = 3,
    users: Annotated[int, typer.Option(min=1, help="How many users click.")] = 5000,
    items: Annotated[int, typer.Option(min=1, help="Size of the catalogue.")] = 2000,
    as_json: JsonOption = False,
) -> None:
    """One, two and four workers on the same partitions, and what it costs when some come or go."""
    load = Load(events=events, rounds=rounds, users=users, items=items, workers=1)
    _report(lambda: measure_workers(read_settings(), load, progress=progress), as_json, workers_table)


@app.command()
def index(
    items: Annotated[int, typer.Option(min=1000, help="Vectors in the index.")] = 100_000,
    dim: Annotated[int, typer.Option(min=8, help="Dimensions of a vector.")] = 256,
    backend: Annotated[
        Literal["memory", "redis"], typer.Option(help="In a worker's memory, or shared by all workers in Redis.")
    ] = "memory",
    shards: Annotated[int, typer.Option(min=1, help="Of the shared index, all in one Redis.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """A vector index against exact search: delay, recall, memory."""
    if backend == "redis":
        _report(lambda: measure_shared_index(items, dim, shards, progress=progress), as_json)
    else:
        _report(lambda: measure_index(items, dim, progress=progress), as_json)


@app.command()
def memory(
    users: Annotated[int, typer.Option(min=1000, help="Users in Redis.")] = 20_000,
    items: Annotated[int, typer.Option(min=1000, help="Items in the catalogue replica.")] = 50_000,
    as_json: JsonOption = False,
) -> None:
    """Bytes of Redis a user with 100 events, and of a worker's memory an item."""
    _report(lambda: measure_memory(read_settings(), users=users, items=items, progress=progress), as_json)


@app.command()
def encoder(
    images: Annotated[int, typer.Option(min=BATCH, help="Pictures in each measurement.")] = 400,
    as_json: JsonOption = False,
) -> None:
    """Pictures a second from the upload topic to the catalogue, against the bare model on the same cores."""
    _report(lambda: measure_encoder(read_settings(), images, progress=progress), as_json)


@app.command()
def start(
    items: Annotated[int, typer.Option(min=1, help="Size of the catalogue.")] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """How long a new worker takes to have the catalogue: from the topic, and from a snapshot."""
    _report(lambda: measure_start(read_settings(), items=items, progress=progress), as_json)


@app.command()
def replay(
    events: Annotated[int, typer.Option(min=1000, help="Events in the log.")] = 20_000,
    rate: Annotated[float, typer.Option(min=1, help="Events a second at which the stream is taken to run.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """How fast `sightline rebuild` makes the state of the log anew."""
    _report(lambda: measure_replay(read_settings(), events=events, rate=rate, progress=progress), as_json)


@app.command("all")
def everything(
    scale: Annotated[float, typer.Option(min=0.01, max=1, help="Measure this share of everything.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Each bench but faults and fuzz, once with its defaults, and a page of what they found; about 20 minutes."""
    _begin()
    found, page = measure_all(read_settings(), scale, progress=progress)
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
            print_json(outcome_line(outcome))
        else:
            progress(f"{outcome.fault}: {verdict(outcome)}")
    if not as_json:
        results().print(outcomes_table(outcomes))
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(1)


def _begin() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all we started is ended
    configure_logs("warning")


def _report(measure: Callable[[], F], as_json: bool, table: Callable[[F], Table] = figures_table) -> None:
    """Measure, and say how quiet the machine was meanwhile."""
    _begin()
    with NoiseWatch() as watch:
        found = measure()
    noise = watch.found()
    if as_json:
        print_json({**asdict(found), "noise": asdict(noise)})
    else:
        results().print(table(found))
        results().print(noise_line(noise), highlight=False)
