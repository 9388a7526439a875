"""`sightline bench …`: what the README's figures are measured with, each with its reference in the same run."""

import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from benchmarks.faults.fault import Outcome
from benchmarks.faults.run import run_faults
from benchmarks.faults.table import UnknownFault, find_faults
from benchmarks.latency import Latency, Plan, measure_latency
from cli.fuzz import fuzz
from cli.output import JsonOption, print_json, progress, results
from streams.logs import configure_logs
from streams.settings import read_settings

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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all we started is ended
    configure_logs("warning")
    plan = Plan(rate=rate, seconds=seconds, rounds=rounds, users=users, items=items)
    found = measure_latency(read_settings(), plan, progress=progress)
    if as_json:
        print_json(asdict(found))
    else:
        _print_table(found)


@app.command()
def faults(
    only: Annotated[list[str] | None, typer.Option(help="Only this fault; may be given several times.")] = None,
    rate: Annotated[float, typer.Option(min=1, help="Events a second while the fault strikes.")] = 200,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long redis-down and worker-killed-often last.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Break every part under load, and have the oracle say whether an event was lost or counted twice."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all we started is ended
    configure_logs("warning")
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
