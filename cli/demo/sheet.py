"""Draws the demo's page as one picture, for places without a browser."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from cli.demo.story import Chapter, Figure, Story, Tile
from features.printable import printable

_WIDTH, _EDGE, _GAP, _PAD = 1440, 48, 16, 30
_TILE, _SMALL = 154, 118
_ROW = _TILE + 96
_PAGE, _CARD, _INK, _SOFT, _LINE, _ACCENT, _TINT = (
    "#f5f4f1", "#ffffff", "#1d1d1f", "#6b6b70", "#e4e2dc", "#0f7b6c", "#e3f2ee",
)  # fmt: skip
_FEED_X = _EDGE + _PAD + 3 * _SMALL + 2 * _GAP + 2 * _PAD
_CARD_HEIGHT = 2 * _PAD + 50 + 2 * _ROW
_HEAD_HEIGHT = 250

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def render_sheet(story: Story, thumbnails: Mapping[str, bytes]) -> Image.Image:
    """The story as a picture _WIDTH wide. `thumbnails` are JPEG by item id; a missing one stays blank."""
    height = _HEAD_HEIGHT + len(story.chapters) * (_CARD_HEIGHT + 22) + 60
    sheet = Image.new("RGB", (_WIDTH, height), _PAGE)
    pen = ImageDraw.Draw(sheet)
    _draw_head(pen, story.figures)
    for number, chapter in enumerate(story.chapters):
        _draw_chapter(sheet, pen, _HEAD_HEIGHT + number * (_CARD_HEIGHT + 22), chapter, thumbnails)
    pen.text((_EDGE, height - 50), printable(story.footer), _SOFT, _font(15))
    return sheet


def _draw_head(pen: ImageDraw.ImageDraw, figures: Sequence[Figure]) -> None:
    _bold(pen, (_EDGE, 36), "Sightline", _INK, 40)
    about = "What shoppers clicked, and the list each of them had a few milliseconds later."
    pen.text((_EDGE, 90), about, _SOFT, _font(20))
    width = (_WIDTH - 2 * _EDGE - (len(figures) - 1) * _GAP) / max(1, len(figures))
    for number, figure in enumerate(figures):
        x = _EDGE + number * (width + _GAP)
        pen.rounded_rectangle((x, 134, x + width, 226), 16, _CARD, _LINE)
        _bold(pen, (x + 20, 148), figure.value, _INK, 30)
        pen.text((x + 28 + _font(30).getlength(figure.value), 160), figure.unit, _SOFT, _font(17))
        pen.text((x + 20, 190), figure.about, _SOFT, _font(15))


def _draw_chapter(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, top: int, chapter: Chapter, thumbnails: Mapping[str, bytes]
) -> None:
    pen.rounded_rectangle((_EDGE, top, _WIDTH - _EDGE, top + _CARD_HEIGHT), 20, _CARD, _LINE)
    x, y = _EDGE + _PAD, top + _PAD - 4
    start = f"{chapter.name} likes "
    _bold(pen, (x, y), start, _INK, 25)
    _bold(pen, (x + _font(25).getlength(start), y), chapter.taste, _ACCENT, 25)
    _draw_score(pen, y, f"{chapter.fitting} of {len(chapter.feed)} to {chapter.name}'s taste")
    pen.text((x, y + 44), "CLICKED", _SOFT, _font(13))
    pen.text((_FEED_X, y + 44), "WAS THEN RECOMMENDED", _SOFT, _font(13))
    line = _FEED_X - _PAD
    pen.line((line, y + 46, line, top + _CARD_HEIGHT - _PAD), _LINE)
    for place, tile in enumerate(chapter.clicked):
        row, column = divmod(place, 3)
        _draw_tile(sheet, pen, x + column * (_SMALL + _GAP), y + 70 + row * _ROW, _SMALL, tile, thumbnails)
    for place, tile in enumerate(chapter.feed):
        row, column = divmod(place, 5)
        _draw_tile(sheet, pen, _FEED_X + column * (_TILE + _GAP), y + 70 + row * _ROW, _TILE, tile, thumbnails)


def _draw_score(pen: ImageDraw.ImageDraw, y: int, text: str) -> None:
    right = _WIDTH - _EDGE - _PAD
    left = right - _font(16).getlength(text) - 28
    pen.rounded_rectangle((left, y, right, y + 30), 15, _TINT)
    pen.text((left + 14, y + 6), text, _ACCENT, _font(16))


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
        pen.rounded_rectangle((x - 4, y - 4, x + side + 3, y + side + 3), 16, None, _ACCENT, 2)
    picture = _square(thumbnails.get(tile.item_id), side)
    mask = Image.new("L", (3 * side, 3 * side))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 3 * side - 1, 3 * side - 1), 36, 255)
    sheet.paste(picture, (x, y), mask.reduce(3))
    used = _draw_lines(pen, x, y + side + 8, tile.title, side, _INK, 14)
    _draw_lines(pen, x, y + side + 8 + used, tile.why, side, _SOFT, 13)


def _square(thumbnail: bytes | None, side: int) -> Image.Image:
    if thumbnail is None:
        return Image.new("RGB", (side, side), _LINE)
    with Image.open(BytesIO(thumbnail)) as image:
        edge = min(image.size)
        left, top = (image.width - edge) // 2, (image.height - edge) // 2
        box = (left, top, left + edge, top + edge)
        return image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS, box)


def _draw_lines(pen: ImageDraw.ImageDraw, x: int, y: int, text: str, width: int, colour: str, size: int) -> int:
    """Draw text on at most two lines of `width`; returns its height."""
    lines = _wrap(text, width, _font(size))
    shown = [*lines[:1], lines[1] + "…"] if len(lines) > 2 else lines
    for number, line in enumerate(shown):
        pen.text((x, y + number * (size + 4)), line, colour, _font(size))
    return len(shown) * (size + 4)


def _wrap(text: str, width: int, font: _Font) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word if font.getlength(word) <= width else f"{word[: width // 9]}…")
    return lines


def _bold(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str, size: int) -> None:
    """Draw bold text: Pillow's own font has one weight, and a thin outline makes it heavier."""
    pen.text(at, text, colour, _font(size), stroke_width=0.6, stroke_fill=colour)


def _font(size: int) -> _Font:
    return ImageFont.load_default(size)
