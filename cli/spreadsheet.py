"""Writes CSV files that are safe to open in a spreadsheet, and that programs read back unchanged."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

#: A cell that begins so is a formula to a spreadsheet, also with the wide signs of Chinese and Japanese keyboards
#: (OWASP, "CSV Injection"). The mark itself is among them, so that it can be taken off again.
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MARK: Final = "'"


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> None:
    """Write a table of UTF-8 with a line of names; texts are quoted, and marked as `marked` says, numbers are neither.

    Unquoted, a text with a semicolon would be two cells where lists are separated so, and the second one not marked.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(names)
        writer.writerows([marked(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def marked(text: str) -> str:
    """The text with a MARK before it where a spreadsheet would compute it, or where it begins with one.

    A program takes one mark off each cell that begins with it.

    >>> [marked(text) for text in ("i7", "=1+1", "'i7")]
    ['i7', "'=1+1", "''i7"]
    """
    return MARK + text if text.startswith((*_BEGINS_A_FORMULA, MARK)) else text
