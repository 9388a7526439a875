"""Where a command may write a file, asked before anything starts."""

import os
from pathlib import Path

import typer


def check_written(path: Path | None, option: str) -> None:
    """Refuse a file in no folder that exists, a folder, and what may not be written; raises typer.BadParameter."""
    if path is None:
        return
    place, wrong = path.resolve(), None
    if not place.parent.is_dir():
        wrong = "is in no folder that exists"
    elif place.is_dir():
        wrong = "is a folder: name a file"
    elif not os.access(place if place.exists() else place.parent, os.W_OK):
        wrong = "may not be written"
    if wrong is not None:
        raise typer.BadParameter(f"{str(path)!r} {wrong}", param_hint=option)
