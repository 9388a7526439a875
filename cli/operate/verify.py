"""`sightline verify`: is the state what the log says?"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.output import JsonOption, print_json, results
from deploy.local import Stack
from streams.replay import replayer
from streams.replay.report import EXAMPLES, Report
from streams.replay.verify import verify_state
from streams.settings import read_settings

#: What is printed of a report, in this order: field, name, and whether anything but 0 is a fault.
_ROWS = (
    ("events", "events applied", False),
    ("duplicates", "of them with an event id used before", False),
    ("late", "of them from before their user was forgotten", False),
    ("requests", "privacy requests carried out", False),
    ("refused", "events refused", False),
    ("pending", "events not applied yet", False),
    ("pending_signals", "signals not applied yet", False),
    ("users", "users", False),
    ("items", "items", False),
    ("lists", "lists", False),
    ("repeats", "of them repeated after a crash", False),
    ("lost", "events lost", True),
    ("double_applied", "events applied twice", True),
    ("lost_signals", "signals lost", True),
    ("different_profiles", "profiles that differ", True),
    ("different_behaviours", "behaviours and trends that differ", True),
    ("different_items", "items that differ", True),
    ("out_of_order", "lists out of order", True),
    ("unanswered", "users whose last event has no list", True),
    ("not_withdrawn", "lists that were taken back and are still there", True),
)


def verify(as_json: JsonOption = False) -> None:
    """Recompute profiles, neighbours, popularity and items from the log, and compare; exit code 1 on a difference.

    May run beside live workers: everything is compared as of the positions that Redis holds.
    """
    settings = read_settings()
    endpoints = Stack(settings).endpoints()
    with _bar() as progress:
        report = asyncio.run(verify_state(settings, endpoints.kafka, endpoints.redis, progress=progress))
    if as_json:
        print_json({"ok": report.ok, **asdict(report)})
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(1)


@contextmanager
def _bar() -> Iterator[replayer.Progress]:
    """A progress bar on stderr for each topic that is read."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done, total=of)

        yield show


def _print(report: Report) -> None:
    console = results()
    table = Table(show_header=False, title="the state against the log")
    for field, name, fault in _ROWS:
        count = getattr(report, field)
        table.add_row(name, f"{count:,}", style="red" if fault and count else None)
    console.print(table)
    for note in report.incomplete:
        console.print(Text(f"not compared: {note}", style="yellow"), soft_wrap=True)
    for difference in report.differences:
        console.print(Text(f"{difference.kind} {difference.name}: {difference.where}", style="red"), soft_wrap=True)
    if len(report.differences) == EXAMPLES:
        console.print(f"(only the first {EXAMPLES} differences are shown)", highlight=False)
    verdict = "no difference" if report.ok else "the state is NOT what the log says: docs/verify.md says what to do"
    console.print(Text(verdict, style="green" if report.ok else "red"), soft_wrap=True)
