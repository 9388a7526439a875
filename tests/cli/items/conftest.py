from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.harness.profiles import encoded


def drawn(text: str, format_: str) -> bytes:
    """A picture of a text, so that different texts give different files."""
    image = Image.new("RGB", (160, 40), "white")
    ImageDraw.Draw(image).text((4, 12), text, fill="black")
    return encoded(image, format_)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("mugs/red.jpg", "mugs/blue.PNG", "hats/old/cap.webp", "top.jpeg", "mugs/notes.txt"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        formats = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
        kind = formats.get(path.suffix.lower())
        path.write_bytes(drawn(name, kind) if kind else name.encode())
    return tmp_path / "pictures"
