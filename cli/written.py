"""Where a command may write a file, asked before anything starts."""

from pathlib import Path

import typer


def check_written(path: Path | None, option: str) -> None:
    """Refuse a file in no folder that exists; raises typer.BadParameter."""
    if path is not None and not path.resolve().parent.is_dir():
        raise typer.BadParameter(f"{str(path)!r} is in no folder that exists", param_hint=option)
