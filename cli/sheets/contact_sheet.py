"""A contact sheet: each item's picture with a few words, in rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from cli.sheets.drawing import INK, PAGE, SOFT, draw_bold, draw_lines, draw_picture, font
from features.printable import printable

_COLUMNS: Final = 6
_SIDE, _GAP, _EDGE, _HEAD = 200, 20, 40, 100
_ROW: Final = _SIDE + 96
#: Items on one sheet, at most: of more rows nobody sees the last.
ITEMS_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """One item on a sheet: what is written below its picture, and that picture, encoded, if there is one.

    The words are a publisher's: they are made printable where they are drawn.
    """

    item_id: str
    name: str
    about: str = ""
    picture: bytes | None = None


def draw_contact_sheet(title: str, shown: Sequence[Cell]) -> Image.Image:
    """The cells under a title, RGB; a missing picture stays blank."""
    columns = max(1, min(_COLUMNS, len(shown)))
    rows = -(-len(shown) // columns)
    width = 2 * _EDGE + max(3, columns) * (_SIDE + _GAP) - _GAP
    sheet = Image.new("RGB", (width, _HEAD + max(1, rows) * _ROW + _EDGE // 2), PAGE)
    pen = ImageDraw.Draw(sheet)
    draw_bold(pen, (_EDGE, 32), _cut(printable(title), width - 2 * _EDGE), INK, 26)
    if not shown:
        pen.text((_EDGE, _HEAD), "nothing to show", SOFT, font(18))
    for place, cell in enumerate(shown):
        row, column = divmod(place, columns)
        _draw_cell(sheet, pen, _EDGE + column * (_SIDE + _GAP), _HEAD + row * _ROW, cell)
    return sheet


def _draw_cell(sheet: Image.Image, pen: ImageDraw.ImageDraw, x: int, y: int, cell: Cell) -> None:
    draw_picture(sheet, x, y, _SIDE, cell.picture)
    if cell.picture is None:
        draw_lines(pen, x + 16, y + _SIDE // 2 - 10, "no picture is kept", _SIDE - 32, SOFT, 15)
    used = draw_lines(pen, x, y + _SIDE + 8, printable(cell.name), _SIDE, INK, 15)
    draw_lines(pen, x, y + _SIDE + 8 + used, printable(cell.about), _SIDE, SOFT, 14)


def _cut(text: str, width: int) -> str:
    """The text as far as it fits, in the title's size."""
    letters = len(text)
    while letters and font(26).getlength(text[:letters]) > width:
        letters -= max(1, letters // 10)
    return text if letters == len(text) else f"{text[: letters - 1]}…"
