"""What `sightline verify` does: it compares the state with the log."""

import asyncio
from dataclasses import asdict

import typer
from rich.progress import TimeElapsedColumn
from rich.table import Table

from cli.console import styled
from cli.operate.topic_bars import topic_bars
from cli.output import print_json, results
from deploy.local import Stack
from streams.replay.report import EXAMPLES, Report
from streams.replay.verify import verify_state
from streams.settings import read_settings

#: The printed lines of a report in order: field, name, and whether any count but 0 is a fault.
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
    ("uncounted_days", "profiles whose count of today the release before left out", False),
    ("different_behaviours", "behaviours and trends that differ", True),
    ("different_items", "items that differ", True),
    ("out_of_order", "lists out of order", True),
    ("unanswered", "users whose last event has no list", True),
    ("not_withdrawn", "withdrawn lists that are still there", True),
)


def compare(as_json: bool) -> None:
    """Verify the state and print the report; exit code 1 on a difference."""
    settings = read_settings()
    endpoints = Stack(settings).endpoints()
    with topic_bars(TimeElapsedColumn(), transient=True) as progress:
        report = asyncio.run(verify_state(settings, endpoints.kafka, endpoints.redis, progress=progress))
    if as_json:
        print_json({"ok": report.ok, **asdict(report)})
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(1)


def _print(report: Report) -> None:
    console = results()
    table = Table(show_header=False, title="the state against the log")
    for field, name, fault in _ROWS:
        count = getattr(report, field)
        table.add_row(name, f"{count:,}", style="red" if fault and count else None)
    console.print(table)
    for note in report.incomplete:
        console.print(styled((f"not compared: {note}", "yellow")), soft_wrap=True)
    for difference in report.differences:
        what = f"{difference.kind} {difference.name}: {difference.where}"
        console.print(styled((what, "red")), soft_wrap=True)
    if len(report.differences) == EXAMPLES:
        console.print(f"(only the first {EXAMPLES} differences are shown)")
    waiting = report.pending + report.pending_signals
    same = f"no difference so far; {waiting:,} records are not applied yet" if waiting else "no difference"
    verdict = same if report.ok else "the state is NOT what the log says: docs/verify.md says what to do"
    console.print(styled((verdict, "green" if report.ok else "red")), soft_wrap=True)
