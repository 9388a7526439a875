"""What our pages have in common: one HTML file that needs nothing beside it, light or dark as its reader has it."""

from html import escape
from pathlib import Path
from string import Template

_FRAME = Path(__file__).with_suffix(".html")


def framed(title: str, style: Path, body: str) -> str:
    """The whole page of a body in HTML, with the rules of a file of CSS on top of the common ones."""
    frame = Template(_FRAME.read_text(encoding="utf-8"))
    return frame.substitute(title=escape(title), style=style.read_text(encoding="utf-8"), body=body)
