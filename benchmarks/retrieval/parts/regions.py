"""How well the salient part of a picture is found, and what looks like it: things laid on other photos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.retrieval.measure import Encode
from benchmarks.retrieval.parts.scenes import Scene, pairs, scenes
from benchmarks.retrieval.ways import Matrix
from features.vision.box import part_of
from features.vision.decode import middle_square, squeezed
from features.vision.salience import salient_boxes, shows_nothing
from sightline_client.events import BOXES_LIMIT, Box

_SIDE: Final = 224
_BATCH: Final = 16
_SCENES: Final = 120
_SEED: Final = 5
_DEPTH: Final = 5
#: A thing of two is found by a box with this intersection over union.
_FOUND: Final = 0.3
_WHOLE: Final = Box(x=0, y=0, width=1, height=1)

#: uint8 pixels [n, 224, 224, 3] → maps float32 [n, 14, 14].
Maps: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ByPart:
    """Of queries by one part of a picture: mean IoU with the true box, mean share of the area, and what is found.

    By `look` and by `raw` it is the share whose nearest catalogue picture has the label, else P@5 among other photos.
    """

    iou: float
    area: float
    look: float
    raw: float


@dataclass(frozen=True, slots=True)
class FoundParts:
    """Of one kind of queries, by each part; `in_pairs`: the things of pictures with two that a salient box finds."""

    pictures: int
    by: Mapping[str, ByPart]
    in_pairs: float | None


class Searched:
    """What queries are compared with: embeddings of pictures with labels, by look and raw."""

    def __init__(self, pixels: NDArray[np.uint8], labels: Sequence[str], encode: Encode, *, is_catalogue: bool) -> None:
        self.labels = np.array(labels)
        self.vectors = embedded(encode, list(pixels))
        self.is_catalogue = is_catalogue

    def found(
        self, queries: tuple[Matrix, Matrix], labels: Sequence[str], things: Sequence[int]
    ) -> tuple[float, float]:
        """The share that is found, by look and raw; `things` are the numbers of the queries' own photos."""
        look, raw = (self._found(*both, np.array(labels), things) for both in zip(queries, self.vectors, strict=True))
        return look, raw

    def _found(self, queries: Matrix, vectors: Matrix, labels: NDArray[np.str_], things: Sequence[int]) -> float:
        cosines = queries @ vectors.T
        if self.is_catalogue:
            return round(float((self.labels[cosines.argmax(axis=1)] == labels).mean()), 3)
        cosines[np.arange(len(cosines)), things] = -np.inf
        nearest = np.argsort(-cosines, axis=1)[:, :_DEPTH]
        return round(float((self.labels[nearest] == labels[:, None]).mean()), 3)


def embedded(encode: Encode, pixels: Sequence[NDArray[np.uint8]]) -> tuple[Matrix, Matrix]:
    """Unit embeddings and unit raw features of pictures."""
    looks, raws = [], []
    for start in range(0, len(pixels), _BATCH):
        look, raw = encode(np.stack(pixels[start : start + _BATCH]))
        looks.append(look)
        raws.append(raw / np.linalg.norm(raw, axis=1, keepdims=True))
    return np.concatenate(looks), np.concatenate(raws)


def measure_regions(
    things: Sequence[Image.Image],
    labels: Sequence[str],
    grounds: Sequence[Image.Image],
    searched: Searched,
    encode: Encode,
    maps: Maps,
    progress: Progress,
) -> FoundParts:
    """Lay things with these labels on other photos, and search by the whole, the salient part and the true box.

    Without `grounds` the things are asked about as they are, each all of its picture.
    """
    if not grounds:
        numbers = np.random.default_rng(_SEED).permutation(len(things))[:_SCENES].tolist()
        made = [Scene(things[number], (_WHOLE,), (number,)) for number in numbers]
    else:
        made = list(scenes(things, grounds, _SCENES, seed=_SEED))
    true = [scene.boxes[0] for scene in made]
    found = [boxes[0] for boxes in _salient(made, maps, progress)]
    by = {}
    for name, boxes in (("whole", [_WHOLE] * len(made)), ("salient", found), ("true", true)):
        progress(f"searching by the {name} part of {len(made)} pictures")
        queries = embedded(encode, [_seen(scene.image, box) for scene, box in zip(made, boxes, strict=True)])
        numbers = [scene.things[0] for scene in made]
        look, raw = searched.found(queries, [labels[number] for number in numbers], numbers)
        ious = [iou(*both) for both in zip(boxes, true, strict=True)]
        area = np.mean([box.width * box.height for box in boxes])
        by[name] = ByPart(round(float(np.mean(ious)), 3), round(float(area), 3), look, raw)
    return FoundParts(len(made), by, _in_pairs(things, grounds, maps, progress) if grounds else None)


def iou(one: Box, other: Box) -> float:
    """The intersection of two boxes over their union.

    >>> iou(Box(x=0, y=0, width=0.5, height=1), Box(x=0.25, y=0, width=0.5, height=1))
    0.3333333333333333
    """
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(wide, 0.0) * max(high, 0.0)
    return both / (one.width * one.height + other.width * other.height - both)


def _in_pairs(things: Sequence[Image.Image], grounds: Sequence[Image.Image], maps: Maps, progress: Progress) -> float:
    made = list(pairs(things, grounds, _SCENES // 2, seed=_SEED))
    found = _salient(made, maps, progress)
    best = [
        max(iou(box, true) for box in boxes) for scene, boxes in zip(made, found, strict=True) for true in scene.boxes
    ]
    return round(float((np.array(best) >= _FOUND).mean()), 3)


def _salient(made: Sequence[Scene], maps: Maps, progress: Progress) -> list[Sequence[Box]]:
    """The salient boxes of each scene, as an uploads worker finds them."""
    found: list[Sequence[Box]] = []
    for start in range(0, len(made), _BATCH):
        progress(f"looking for the salient parts of picture {start} of {len(made)}")
        some = made[start : start + _BATCH]
        pixels = np.stack([np.asarray(squeezed(scene.image, _SIDE)) for scene in some])
        for scene, each, salience in zip(some, pixels, maps(pixels), strict=True):
            boxes = () if shows_nothing(each) else salient_boxes(salience, *scene.image.size, limit=BOXES_LIMIT)
            found.append(boxes or (_WHOLE,))
    return found


def _seen(image: Image.Image, box: Box) -> NDArray[np.uint8]:
    return np.asarray(middle_square(image, _SIDE, part_of(image, box, 1)))
