"""`sightline bench fuzz`: what comes in and is meant to break us."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption, print_json, progress, results
from streams.logs import configure_logs


def fuzz(
    events: Annotated[int, typer.Option(min=0, help="Events through the parsers.")] = 10_000,
    pictures: Annotated[int, typer.Option(min=0, help="Mutated pictures through the decoder.")] = 10_000,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Its files are decoded first, then mutated with the others."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one, other events and pictures.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Hostile events through the parsers and broken pictures through the decoder; exit code 1 for a crash or a hang."""
    try:
        from benchmarks.measures.fuzz import fuzz as try_all  # hypothesis is a tool of development
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            f"this needs {error.name}: run `uv sync`, which brings the tools for development"
        ) from None
    configure_logs("error")
    files = sorted(path for path in data.iterdir() if path.is_file()) if data is not None else []
    found = try_all(events, pictures, seed=seed, files=files, progress=progress)
    if as_json:
        print_json(asdict(found))
    else:
        results().print(
            f"{found.events:,} events, {found.pictures:,} pictures: {found.crashes} crashes, {found.hangs} hangs; "
            f"the decoder held {found.peak_mb:.0f} MB at most",
            highlight=False,
        )
    if found.crashes or found.hangs:
        raise typer.Exit(1)
