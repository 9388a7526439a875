"""The output rules of every command: progress on stderr, results on stdout, one JSON object last on request.

`rich` is imported when something is printed, so that the modules of the commands stay light.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from cli.console import SafeConsole

#: The last second of the year 9999, where a calendar ends.
_LAST_MS = 253_402_300_799_000

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]


def results() -> "SafeConsole":
    """The console for results on stdout; a new one each time, because a test may have replaced stdout."""
    from cli.console import SafeConsole

    return SafeConsole()


def diagnostics() -> "SafeConsole":
    """The console for progress and errors on stderr."""
    from cli.console import SafeConsole

    return SafeConsole(stderr=True)


def progress(line: str) -> None:
    """Print one line of progress on stderr."""
    diagnostics().print(line, style="dim", soft_wrap=True)


def progress_bar() -> "Progress":
    """A bar on stderr with a count and the time that is left, for work of a known size."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=diagnostics())


def print_error(message: str) -> None:
    """Print an error on stderr; it may have several lines."""
    for line in f"error: {message}".split("\n"):
        diagnostics().print(line, style="red", soft_wrap=True)


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result as one line of JSON in ASCII; dataclasses become objects, paths become strings."""
    typer.echo(json.dumps(result, default=_to_plain))


def when(at_ms: int) -> str:
    """A time (Unix ms) as people read it, in UTC.

    Whoever publishes may claim any time, also one beyond the calendar: that is shown as its end.

    >>> when(1_767_268_800_000)
    '2026-01-01T12:00:00+00:00'
    """
    return datetime.fromtimestamp(min(max(at_ms, 0), _LAST_MS) / 1000, UTC).isoformat(timespec="seconds")


def _to_plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} has no JSON form")
