"""What `sightline bench fuzz` does: it runs hostile events and pictures against the parsers and the decoder."""

from dataclasses import asdict
from pathlib import Path

import typer

from cli.output import print_json, progress, results
from streams.logs import configure_logs


def run(events: int, pictures: int, data: Path | None, seed: int, as_json: bool) -> None:
    """Fuzz, and print the counts; exit code 1 after a crash or a hang."""
    try:
        from benchmarks.measures.fuzz import fuzz  # it needs hypothesis, a tool of development
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            f"this needs {error.name}: run `uv sync`, which installs the tools for development"
        ) from None
    configure_logs("error")
    files = sorted(path for path in data.iterdir() if path.is_file()) if data is not None else []
    found = fuzz(events, pictures, seed=seed, files=files, progress=progress)
    if as_json:
        print_json(asdict(found))
    else:
        results().print(
            f"{found.events:,} events, {found.pictures:,} pictures: {found.crashes} crashes, {found.hangs} hangs; "
            f"the decoder held {found.peak_mb:.0f} MB at most"
        )
    if found.crashes or found.hangs:
        raise typer.Exit(1)
