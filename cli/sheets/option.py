"""The option by which a command draws a contact sheet."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.sheets.terminal import protocol_of
from cli.written import check_written

_HELP: Final = "Also draw the pictures that are kept into this PNG file; - shows them in a terminal that can."
SheetOption = Annotated[str | None, typer.Option("--sheet", metavar="FILE", help=_HELP)]


def check_sheet(sheet: str | None) -> None:
    """Refuse what cannot be written or shown, before anything starts."""
    if sheet is None:
        return
    if sheet == "-":
        if protocol_of() is None or not sys.stdout.isatty():
            raise typer.BadParameter("this terminal shows no pictures: name a PNG file", param_hint="--sheet")
    elif Path(sheet).suffix.lower() != ".png":
        raise typer.BadParameter(f"{sheet!r} does not end in .png", param_hint="--sheet")
    else:
        check_written(Path(sheet), "--sheet")
