from pathlib import Path

import pytest
import typer
from PIL import Image

from cli.items.similar import show_similar
from streams.wire.events import Only


@pytest.mark.parametrize("by", ["smell", "colour=-1", "look=0"])
def test_what_cannot_be_compared_is_refused_before_anything_starts(by: str, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(image)
    with pytest.raises(typer.BadParameter, match=r"does not name one of|has no weight|no weight is above 0"):
        show_similar(image, Only(), by, 5, 1.0, False)
