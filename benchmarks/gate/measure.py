"""How often the gate finds what is wrong with pictures, how often it errs, and which copies it finds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.gate.changes import BEYOND, CHANGES
from benchmarks.gate.faults import FAULTS, QUALITY, Change
from benchmarks.gate.models import LocalModel, ModelFigures
from benchmarks.gate.pictures import read_photos
from features.vision.decode import Picture, Wanted, decode
from features.vision.gate.judge import Judged, judge
from features.vision.gate.picture_hash import asked_of, kept_of
from features.vision.gate.table import CHECKS, ModelFault
from features.vision.gate.views import reduced
from inference.catalog.copied_pictures import nearest_copy, readable_hashes

#: Pictures of which the time is taken.
_TIMED: Final = 200


@dataclass(frozen=True, slots=True)
class GateFigures:
    """Shares of the pictures of a set. `found` has each fault by its degree; `false_alarms` are by check, of pictures
    as they are, some of which are really blurred.

    `near_duplicates_found` are by change, and `near_duplicates_beyond` those of changes that the gate is not made for.
    `false_merges` are pictures, changed or not, that were taken for a copy of another one, of `compared`; `merged` are
    the first pairs of them. `ms` is the processor time of a picture. `models` are by fault, of those asked.
    """

    pictures: int
    changed: int
    found: dict[str, dict[str, float]]
    false_alarms: dict[str, float]
    near_duplicates_found: dict[str, float]
    near_duplicates_beyond: dict[str, float]
    false_merges: int
    compared: int
    merged: list[tuple[str, str]]
    ms: float
    models: dict[ModelFault, ModelFigures]


def measure_gate(
    table: Path,
    most: int,
    changed: int,
    progress: Callable[[str], None],
    models: Mapping[ModelFault, LocalModel],
) -> GateFigures:
    """Judge at most so many pictures of a table, and put every fault and change on `changed` of them."""
    photos = list(read_photos(table, most))
    progress(f"{len(photos)} pictures of {table}")
    seen = [_see(photo.image) for photo in photos]
    judged = [each.judged for each in seen]
    known = _Known([photo.path for photo in photos], judged)
    for number, each in enumerate(judged):
        known.compare(each, number)
    step = max(1, -(-len(photos) // changed))
    few = [(number, photo.image) for number, photo in enumerate(photos)][::step]
    found: dict[str, dict[str, float]] = {}
    for fault, degrees in FAULTS.items():
        progress(f"{table.parent.name}: {fault}")
        found[fault] = {
            name: _share([fault in _judge(change(image)).faults for _, image in few])
            for name, change in degrees.items()
        }
    alarms: dict[str, float] = {fault: _share([fault in each.faults for each in judged]) for fault in CHECKS}
    progress(f"{table.parent.name}: copies")
    copies, beyond = ({name: _copies(known, few, change) for name, change in of.items()} for of in (CHANGES, BEYOND))
    figures = known.false_merges, known.compared, known.merged[:20], _ms([image for _, image in few[:_TIMED]])
    said = {fault: model.measure(seen, [image for _, image in few], _see) for fault, model in models.items()}
    return GateFigures(len(photos), len(few), found, alarms, copies, beyond, *figures, said)


class _Known:
    """The pictures of a set as a catalogue has them, and what was taken for a copy of which."""

    def __init__(self, paths: Sequence[str], judged: Sequence[Judged]) -> None:
        self._paths = paths
        self._hashes = np.stack([readable_hashes(kept_of(each.hashes)) for each in judged])
        self.false_merges = self.compared = 0
        self.merged: list[tuple[str, str]] = []

    def compare(self, judged: Judged, own: int) -> None:
        """Note whether a picture is taken for a copy of any but its `own`."""
        self.compared += 1
        others = np.delete(np.arange(len(self._hashes)), own)
        other = nearest_copy(asked_of(judged.hashes), self._hashes, others)
        if other is not None:
            self.false_merges += 1
            self.merged.append((self._paths[own], self._paths[other]))

    def finds(self, judged: Judged, own: int) -> bool:
        """Whether a picture is taken for a copy of its `own`, were that alone."""
        alone: NDArray[np.uint64] = self._hashes[own : own + 1]
        return nearest_copy(asked_of(judged.hashes), alone, np.zeros(1, np.int64)) == 0


def _copies(known: _Known, photos: Sequence[tuple[int, Image.Image]], change: Change) -> float:
    found = []
    for number, image in photos:
        judged = _judge(change(image))
        found.append(known.finds(judged, number))
        known.compare(judged, number)
    return _share(found)


def _judge(image: Image.Image) -> Judged:
    return _see(image).judged


def _see(image: Image.Image) -> Picture:
    """As the product does it, from a file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return decode(buffer.getvalue(), Wanted(tiles=True))


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4)


def _ms(images: Sequence[Image.Image]) -> float:
    seen = [reduced(image) for image in images]
    begun = time.process_time()
    for each in seen:
        judge(each, each.size)
    return round((time.process_time() - begun) / len(seen) * 1000, 3)
