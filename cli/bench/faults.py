"""What `sightline bench faults` does: it inflicts faults and prints whether the system survived them."""

from collections.abc import Sequence

import typer

from benchmarks.faults.run import run_faults
from benchmarks.faults.table import UnknownFault, find_faults
from cli.bench.report import begin
from cli.bench.tables import outcome_line, outcomes_table, verdict
from cli.output import print_json, progress, results
from streams.settings import read_settings


def inflict(only: Sequence[str], rate: float, minutes: float, as_json: bool) -> None:
    """Run the named faults, all if none is named; exit code 1 if one did not pass."""
    begin()
    try:
        chosen = find_faults(only)
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
