"""A contact sheet: pictures in rows, each with what is said of it, as one picture."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from features.printable import printable

_COLUMNS: Final = 5
_TILE, _GAP, _TEXT = 200, 12, 40
_LINE_LENGTH: Final = 32


def contact_sheet(tiles: Sequence[tuple[str, str, bytes | None]]) -> Image.Image:
    """A sheet of (title, words, picture file of our own store) in their order; a picture that is None stays blank."""
    rows = -(-len(tiles) // _COLUMNS)
    across, down = _TILE + _GAP, _TILE + _TEXT + _GAP
    sheet = Image.new("RGB", (_COLUMNS * across + _GAP, max(rows, 1) * down + _GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (title, words, picture) in enumerate(tiles):
        left, top = _GAP + number % _COLUMNS * across, _GAP + number // _COLUMNS * down
        pen.rectangle((left, top, left + _TILE, top + _TILE), outline="#cccccc")
        if picture is not None:
            with Image.open(BytesIO(picture)) as image:
                image.thumbnail((_TILE, _TILE))
                sheet.paste(image, (left + (_TILE - image.width) // 2, top + (_TILE - image.height) // 2))
        for line, text in enumerate((title, words)):
            pen.text((left, top + _TILE + 4 + 17 * line), printable(text)[:_LINE_LENGTH], "#222222", font)
    return sheet
