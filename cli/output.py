"""What every command does alike: progress to stderr, results to stdout, on request one JSON object last."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]


def results() -> Console:
    """The console for what was asked for (made anew: a test may have replaced stdout since)."""
    return Console()


def progress(line: str) -> None:
    """Tell a person how far it is, on stderr."""
    Console(stderr=True).print(line, style="dim", markup=False, highlight=False, soft_wrap=True)


def print_error(message: str) -> None:
    """Tell a person what went wrong, on stderr."""
    Console(stderr=True).print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)


def print_json(result: Mapping[str, Any]) -> None:
    """Print the result as one line of JSON; dataclasses become objects, paths become strings."""
    typer.echo(json.dumps(result, default=_plain))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} has no JSON form")
