"""Runs all cases: rules and lists in this process, then the whole system on services of its own."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.field.case import Case
from benchmarks.field.events import event_cases
from benchmarks.field.exports import export_cases
from benchmarks.field.lists import list_cases
from benchmarks.field.operators import operator_cases
from benchmarks.field.pictures import import_cases, picture_cases
from benchmarks.field.rules import rule_cases
from benchmarks.field.system import running_system
from benchmarks.field.transactions import transaction_cases
from deploy.service import Progress
from streams.settings import Settings


def run_cases(settings: Settings, data: Path | None, progress: Progress) -> Iterator[Case]:
    """Yield each case; `data` is a folder with `events.jsonl` and `pictures`, which are tried where they are there."""
    yield from rule_cases()
    yield from list_cases()
    if data is not None and (data / "pictures").is_dir():
        yield from picture_cases(data / "pictures")
    with running_system(settings, progress) as system:
        if data is not None and (data / "events.jsonl").is_file():
            yield from event_cases(system, data / "events.jsonl")
        yield from import_cases(system)
        yield from transaction_cases(system)
        yield from export_cases(system)
        yield from operator_cases(system)
