"""The console of every command: what strangers wrote is shown, never obeyed."""

from typing import Any

from rich.console import Console
from rich.text import Text

from features.printable import printable


class SafeConsole(Console):
    """A console without markup, on which every string is made printable: lines, cells, titles.

    Strings are single lines. Coloured text is made by `styled`; nothing else in `cli` makes a rich Text.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string that is printed, alone or within a table, passes here."""
        return super().render_str(printable(text), **options)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Text in pieces, some with a style, each made printable."""
    return Text.assemble(
        *(printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts)
    )
