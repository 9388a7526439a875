"""Pictures as phones and shops have them: through the decoder, and through the command that imports a folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.field.case import Case, equal, tried
from benchmarks.field.system import System
from features.vision.decode import decode

#: Standard deviation of the pixels below which a viewer sees one colour.
BLANK = 2.0
_SHOWS = "a picture that shows something"
_FOLDER = "O6 a folder of a phone: every file is imported or named"


def picture_cases(folder: Path) -> Iterator[Case]:
    """Each picture of a folder is decoded, and shows something."""
    for path in sorted(folder.iterdir()):
        yield tried(f"P {path.name}", _SHOWS, _decoded, path)


def _decoded(path: Path) -> Case:
    pixels = decode(path.read_bytes()).pixels
    spread = float(pixels.std(axis=(0, 1)).max())
    mean = [round(each) for each in pixels.mean(axis=(0, 1)).tolist()]
    seen = f"{pixels.shape[0]} pixels, mean colour {mean}, spread {spread:.1f}"
    return Case(f"P {path.name}", _SHOWS, seen, spread > BLANK)


def import_cases(system: System) -> Iterator[Case]:
    """O6: a folder as a phone makes it."""
    yield tried(_FOLDER, "every one is", _imported, system)


def _imported(system: System) -> Case:
    with TemporaryDirectory(prefix="sightline-field-") as folder:
        names = _phone(Path(folder))
        done = system.sightline("items", "import", folder, "--json")
        found = json.loads(done.stdout.splitlines()[-1])
        text = done.stdout + done.stderr
    missing = [name for name in names["passed over"] if name not in text]
    imported = found["searchable"]
    seen = f"{imported} imported, not named: {missing or 'none'}"
    return equal(_FOLDER, f"{len(names['taken'])} imported, not named: none", seen)


def _phone(folder: Path) -> dict[str, list[str]]:
    """Fill a folder; return the names that can be imported, and those that cannot."""
    random = np.random.default_rng(1)
    noise = Image.fromarray(random.integers(0, 255, (1600, 1200, 3), np.uint8))
    small = noise.resize((300, 400))
    for name in ("large_1.jpg", "large_2.JPG"):
        noise.save(folder / name, "JPEG", quality=90)
    for name in ("small.jpg", "photo.jpe", "photo2.jfif"):
        small.save(folder / name, "JPEG")
    small.save(folder / "photo.avif", "AVIF")
    (folder / "._small.jpg").write_bytes(b"\0\x05\x16\x07" + bytes(60))
    (folder / "notes.txt").write_text("not a picture")
    (folder / "empty.jpg").touch()
    taken = ["large_1.jpg", "large_2.JPG", "small.jpg", "photo.jpe", "photo2.jfif", "photo.avif"]
    return {"taken": taken, "passed over": ["._small.jpg", "notes.txt", "empty.jpg"]}
