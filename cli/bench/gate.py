"""What `sightline bench gate` does: it measures on real pictures what the gate finds, and how often it errs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.table import Table

from benchmarks.gate.measure import GateFigures, measure_gate
from benchmarks.gate.models import LocalModel
from benchmarks.gate.pictures import UnreadablePictures, picture_sets
from cli.bench.report import begin
from cli.output import print_json, progress, results
from inference.gate.scores import MODELS


def judge_gate(data: Sequence[Path], most: int, changed: int, models: bool, as_json: bool) -> None:
    """Measure on each set of pictures in the folders, and print the figures."""
    begin()
    try:
        asked = {fault: LocalModel(fault) for fault in MODELS} if models else {}
        sets = [each for folder in data for each in picture_sets(folder)]
        found = {name: measure_gate(table, most, changed, progress, asked) for name, table in sets}
    except UnreadablePictures as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error
    if as_json:
        print_json({"sets": {name: asdict(figures) for name, figures in found.items()}})
        return
    for name, figures in found.items():
        results().print(_table(name, figures))


def _table(name: str, figures: GateFigures) -> Table:
    merges = f"{figures.false_merges} of {figures.compared:,} taken for a copy of another picture"
    caption = f"{figures.pictures:,} pictures, {figures.changed} of them changed; {merges}; {figures.ms} ms a picture"
    table = Table("", "share", title=name, caption=caption)
    for fault, degrees in figures.found.items():
        _add(table, f"{fault} found", degrees)
    _add(table, "false alarms", figures.false_alarms)
    _add(table, "copies found", figures.near_duplicates_found)
    _add(table, "copies beyond", figures.near_duplicates_beyond)
    for fault, said in figures.models.items():
        _add(table, f"{fault} found", said.found)
        _add(table, f"false alarms of {fault}", said.false_alarms)
        table.add_row(f"{fault}: highest score without it; ms of the model", f"{said.highest:.3f}; {said.ms} ms")
    return table


def _add(table: Table, title: str, shares: Mapping[str, float]) -> None:
    for name, share in shares.items():
        table.add_row(f"{title}: {name}", f"{share:.3f}")
