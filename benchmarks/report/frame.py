"""The frame of our HTML pages: one self-contained file, light or dark as the reader prefers."""

from html import escape
from pathlib import Path
from string import Template

_FRAME = Path(__file__).with_suffix(".html")


def framed(title: str, style: Path, body: str) -> str:
    """A complete page around `body` (HTML), with the rules of the CSS file `style` after the common ones."""
    frame = Template(_FRAME.read_text(encoding="utf-8"))
    return frame.substitute(title=escape(title), style=style.read_text(encoding="utf-8"), body=body)
