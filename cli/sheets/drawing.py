"""What sheets are drawn with: colours, text, and pictures cut to squares with round corners."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

PAGE: Final = "#f5f4f1"
CARD: Final = "#ffffff"
INK: Final = "#1d1d1f"
SOFT: Final = "#6b6b70"
LINE: Final = "#e4e2dc"
ACCENT: Final = "#0f7b6c"
TINT: Final = "#e3f2ee"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_picture(sheet: Image.Image, x: int, y: int, side: int, picture: bytes | None) -> None:
    """Paste the middle square of an encoded picture, `side` pixels wide; a missing or broken one stays blank."""
    mask = Image.new("L", (3 * side, 3 * side))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 3 * side - 1, 3 * side - 1), 36, 255)
    sheet.paste(_square(picture, side), (x, y), mask.reduce(3))


def draw_lines(pen: ImageDraw.ImageDraw, x: int, y: int, text: str, width: int, colour: str, size: int) -> int:
    """Draw text on at most two lines of `width`; returns its height."""
    lines = _wrap(text, width, font(size))
    shown = [*lines[:1], lines[1] + "…"] if len(lines) > 2 else lines
    for number, line in enumerate(shown):
        pen.text((x, y + number * (size + 4)), line, colour, font(size))
    return len(shown) * (size + 4)


def draw_bold(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str, size: int) -> None:
    """Draw bold text: Pillow's own font has one weight, and a thin outline makes it heavier."""
    pen.text(at, text, colour, font(size), stroke_width=0.6, stroke_fill=colour)


def font(size: int) -> Font:
    """The one font of all sheets, `size` pixels high; it comes with Pillow."""
    return ImageFont.load_default(size)


def _square(picture: bytes | None, side: int) -> Image.Image:
    if picture is None:
        return Image.new("RGB", (side, side), LINE)
    try:
        with Image.open(BytesIO(picture)) as image:
            edge = min(image.size)
            left, top = (image.width - edge) // 2, (image.height - edge) // 2
            box = (left, top, left + edge, top + edge)
            return image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS, box)
    except (OSError, UnidentifiedImageError):
        return Image.new("RGB", (side, side), LINE)


def _wrap(text: str, width: int, font: Font) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word if font.getlength(word) <= width else f"{word[: width // 9]}…")
    return lines
