"""`sightline bench …`: what the README's figures are measured with, each with its reference in the same run."""

import signal
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.latency import Latency, Plan, measure_latency
from cli.output import JsonOption, print_json, progress, results
from streams.logs import configure_logs
from streams.settings import read_settings

app = typer.Typer(help="Measure on services of its own, started and ended by the command.", no_args_is_help=True)


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all we started is ended
    configure_logs("warning")
    plan = Plan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    found = measure_latency(read_settings(), plan, progress=progress)
    if as_json:
        print_json(asdict(found))
    else:
        _print_table(found)


def _print_table(found: Latency) -> None:
    table = Table("", "p50 ms", "p99 ms", "p99.9 ms")
    table.add_row("Sightline", f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}", f"{found.p999_ms:.2f}")
    table.add_row("bare Faust echo", f"{found.echo_p50_ms:.2f}", f"{found.echo_p99_ms:.2f}", "")
    table.add_row("ratio", f"{found.ratio_p50:.2f}", f"{found.ratio_p99:.2f}", "")
    table.add_row("our handler without Faust", f"{found.floor_p50_ms:.2f}", "", "")
    results().print(table)
    results().print(f"{found.lost} events lost", highlight=False)
