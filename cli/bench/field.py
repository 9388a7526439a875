"""What `sightline bench field` does: it tries what people met in the field, one line a case."""

from dataclasses import asdict
from pathlib import Path

import typer
from rich.text import Text

from benchmarks.field.run import run_cases
from cli.bench.report import begin
from cli.output import print_json, progress, results
from streams.settings import read_settings


def try_cases(data: Path | None, as_json: bool) -> None:
    """Try all cases and print each; exit code 1 if one did not pass."""
    begin()
    failed = 0
    for case in run_cases(read_settings(), data, progress):
        failed += not case.passed
        if as_json:
            line = asdict(case)
            print_json({**{name: line[name] for name in ("case", "expected", "seen")}, "pass": case.passed})
        else:
            mark, style = ("pass", "green") if case.passed else ("FAIL", "red")
            found = (
                f" {case.case}: {case.seen}" if case.passed else f" {case.case}: {case.seen}; expected {case.expected}"
            )
            results().print(Text.assemble((mark, style), found), soft_wrap=True)
    if failed:
        raise typer.Exit(1)
