"""Draws the demo's page as one picture, for places without a browser."""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from cli.demo.story import Chapter, Figure, Story, Tile
from cli.sheets.drawing import ACCENT, CARD, INK, LINE, PAGE, SOFT, TINT, draw_bold, draw_lines, draw_picture, font
from features.printable import printable

_WIDTH, _EDGE, _GAP, _PAD = 1440, 48, 16, 30
_TILE, _SMALL = 154, 118
_ROW = _TILE + 96
_FEED_X = _EDGE + _PAD + 3 * _SMALL + 2 * _GAP + 2 * _PAD
_CARD_HEIGHT = 2 * _PAD + 50 + 2 * _ROW
_HEAD_HEIGHT = 250


def render_sheet(story: Story, thumbnails: Mapping[str, bytes]) -> Image.Image:
    """The story as a picture _WIDTH wide. `thumbnails` are JPEG by item id; a missing one stays blank."""
    height = _HEAD_HEIGHT + len(story.chapters) * (_CARD_HEIGHT + 22) + 60
    sheet = Image.new("RGB", (_WIDTH, height), PAGE)
    pen = ImageDraw.Draw(sheet)
    _draw_head(pen, story.figures)
    for number, chapter in enumerate(story.chapters):
        _draw_chapter(sheet, pen, _HEAD_HEIGHT + number * (_CARD_HEIGHT + 22), chapter, thumbnails)
    pen.text((_EDGE, height - 50), printable(story.footer), SOFT, font(15))
    return sheet


def _draw_head(pen: ImageDraw.ImageDraw, figures: Sequence[Figure]) -> None:
    draw_bold(pen, (_EDGE, 36), "Sightline", INK, 40)
    about = "What shoppers clicked, and the list each of them had a few milliseconds later."
    pen.text((_EDGE, 90), about, SOFT, font(20))
    width = (_WIDTH - 2 * _EDGE - (len(figures) - 1) * _GAP) / max(1, len(figures))
    for number, figure in enumerate(figures):
        x = _EDGE + number * (width + _GAP)
        pen.rounded_rectangle((x, 134, x + width, 226), 16, CARD, LINE)
        draw_bold(pen, (x + 20, 148), figure.value, INK, 30)
        pen.text((x + 28 + font(30).getlength(figure.value), 160), figure.unit, SOFT, font(17))
        pen.text((x + 20, 190), figure.about, SOFT, font(15))


def _draw_chapter(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, top: int, chapter: Chapter, thumbnails: Mapping[str, bytes]
) -> None:
    pen.rounded_rectangle((_EDGE, top, _WIDTH - _EDGE, top + _CARD_HEIGHT), 20, CARD, LINE)
    x, y = _EDGE + _PAD, top + _PAD - 4
    start = f"{chapter.name} likes "
    draw_bold(pen, (x, y), start, INK, 25)
    draw_bold(pen, (x + font(25).getlength(start), y), chapter.taste, ACCENT, 25)
    _draw_score(pen, y, f"{chapter.fitting} of {len(chapter.feed)} to {chapter.name}'s taste")
    pen.text((x, y + 44), "CLICKED", SOFT, font(13))
    pen.text((_FEED_X, y + 44), "WAS THEN RECOMMENDED", SOFT, font(13))
    line = _FEED_X - _PAD
    pen.line((line, y + 46, line, top + _CARD_HEIGHT - _PAD), LINE)
    for place, tile in enumerate(chapter.clicked):
        row, column = divmod(place, 3)
        _draw_tile(sheet, pen, x + column * (_SMALL + _GAP), y + 70 + row * _ROW, _SMALL, tile, thumbnails)
    for place, tile in enumerate(chapter.feed):
        row, column = divmod(place, 5)
        _draw_tile(sheet, pen, _FEED_X + column * (_TILE + _GAP), y + 70 + row * _ROW, _TILE, tile, thumbnails)


def _draw_score(pen: ImageDraw.ImageDraw, y: int, text: str) -> None:
    right = _WIDTH - _EDGE - _PAD
    left = right - font(16).getlength(text) - 28
    pen.rounded_rectangle((left, y, right, y + 30), 15, TINT)
    pen.text((left + 14, y + 6), text, ACCENT, font(16))


def _draw_tile(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    x: int,
    y: int,
    side: int,
    tile: Tile,
    thumbnails: Mapping[str, bytes],
) -> None:
    if tile.fits and tile.why:
        pen.rounded_rectangle((x - 4, y - 4, x + side + 3, y + side + 3), 16, None, ACCENT, 2)
    draw_picture(sheet, x, y, side, thumbnails.get(tile.item_id))
    used = draw_lines(pen, x, y + side + 8, tile.title, side, INK, 14)
    draw_lines(pen, x, y + side + 8 + used, tile.why, side, SOFT, 13)
