"""How well words find: a photo and what a shopper says of it → catalogue picture with a description; words → photos."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.album import Album, UnreadableAlbum, first_column, read_table
from features.vision.colours import dominant_colours
from features.vision.descriptors.mix import LOOK_AND_WORDS, Mix
from features.vision.descriptors.similarities import mean_of, within_0_and_1
from features.words.item_words import DIMENSIONS
from inference.catalog.arrays import VectorRows
from inference.catalog.facts.colours import colour_vector
from inference.words.pictures import picture_vector
from sightline_client.events import ComparedBy

Matrix: TypeAlias = NDArray[np.float32]
#: Texts → unit vectors float32 [n, DIMENSIONS].
Embed: TypeAlias = Callable[[Sequence[str]], Matrix]
#: uint8 pixels [n, 224, 224, 3] → unit embeddings, raw features, and the tags of each.
Recognise: TypeAlias = Callable[[NDArray[np.uint8]], tuple[Matrix, Matrix, Sequence[Sequence[tuple[str, float]]]]]
#: The columns that may have what is said of a photo, and of a catalogue picture.
SAID: Final = ("coarse_name", "label")
DESCRIBED: Final = ("description",)
NAMED: Final = ("class_name", "label")
#: Weights of the words beside the look.
SHARES: Final = (0.1, 0.3, 0.5, 0.7)
#: How many of the photos that are found for a text are judged.
DEPTH: Final = 10
_BATCH: Final = 32
#: Items that a query is compared with when its time is taken, and queries.
_COMPARED: Final = 10_000
_QUERIES: Final = 20


@dataclass(frozen=True, slots=True)
class Words:
    """Pictures with what is said of each: `look`, `raw`, `seen` (by the names of what is in it), `colours` (their
    shares, as the catalogue has them) and `said`, [n, …].
    """

    look: Matrix
    raw: Matrix
    seen: Matrix
    colours: Matrix
    said: Matrix
    texts: Sequence[str]
    labels: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time: `ms` to embed one of the texts, `compare_us` for each item that a query by words looks at."""

    ms: float
    compare_us: float


@dataclass(frozen=True, slots=True)
class Found:
    """`r_at_1` by way: photos whose first catalogue picture has their label; empty without a gallery.

    `p_at_10`: of the first ten photos, found by what is seen in them alone, those that the words are said of.
    """

    r_at_1: dict[str, float]
    p_at_10: float
    texts: int


def read_texts(folder: Path, table: str, columns: Sequence[str]) -> list[str]:
    """What a CSV says of each picture, from the first of these columns that it has; raises UnreadableAlbum."""
    rows = read_table(folder / table)
    name = first_column(rows, columns)
    if name is None:
        raise UnreadableAlbum(f"{folder / table} has no column {' or '.join(columns)}, which has the words")
    return [row[name].replace("-", " ") for row in rows]


def cost_of(texts: Sequence[str], embed: Embed) -> Cost:
    """What the texts cost, each once, and a query among many items."""
    begun = time.process_time()
    vectors = embed(texts)
    embedded = time.process_time()
    rows = VectorRows(DIMENSIONS)
    every = np.arange(_COMPARED)
    rows.put(every, np.resize(vectors, (_COMPARED, DIMENSIONS)))
    rows.similarities(every[:1], vectors[:1])  # compiles
    compared = time.process_time()
    for vector in vectors[:_QUERIES]:
        rows.similarities(every, vector[None])
    spent = time.process_time() - compared
    queries = min(_QUERIES, len(vectors))
    return Cost(round((embedded - begun) / len(texts) * 1000, 2), round(spent / queries / _COMPARED * 1e6, 3))


def read_words(album: Album, texts: Sequence[str], recognise: Recognise, embed: Embed) -> Words:
    """What is compared of an album whose pictures these texts are said of."""
    looks, raws, seen = [], [], []
    colours: list[Matrix] = []
    for start in range(0, len(album.pixels), _BATCH):
        pixels = album.pixels[start : start + _BATCH]
        look, raw, tags = recognise(pixels)
        looks.append(look)
        raws.append(raw / np.linalg.norm(raw, axis=1, keepdims=True))
        painted = [[(each.name, each.share) for each in dominant_colours(picture)] for picture in pixels]
        seen += [_seen(names, each) for names, each in zip(tags, painted, strict=True)]
        colours += map(colour_vector, painted)
    known = dict(zip(dict.fromkeys(texts), embed([*dict.fromkeys(texts)]), strict=True))
    said = np.stack([known[text] for text in texts])
    labels = np.array(album.labels)
    return Words(np.concatenate(looks), np.concatenate(raws), np.stack(seen), np.stack(colours), said, texts, labels)


def measure_words(photos: Words, gallery: Words | None) -> Found:
    """Look for each photo's catalogue picture by each way, and for photos by words."""
    ways = {} if gallery is None else _ways(photos, gallery)
    found = {} if gallery is None else {name: _r_at_1(scores, photos, gallery) for name, scores in ways.items()}
    return Found(found, p_at_10(photos, photos.seen), len({*photos.texts}))


def p_at_10(photos: Words, vectors: Matrix) -> float:
    """Of the first ten photos for each of the words, by these vectors [n, DIMENSIONS], those it is said of."""
    texts = dict(zip(photos.texts, photos.said, strict=True))
    first = [np.argsort(-(vectors @ vector), kind="stable")[:DEPTH] for vector in texts.values()]
    hits = [np.mean([photos.texts[row] == text for row in rows]) for text, rows in zip(texts, first, strict=True)]
    return round(float(np.mean(hits)), 4)


def _ways(photos: Words, gallery: Words) -> dict[str, Matrix]:
    found = {"words": photos.said @ gallery.said.T, "seen": photos.seen @ gallery.said.T}
    for name, look in {"look": photos.look @ gallery.look.T, "raw": photos.raw @ gallery.raw.T}.items():
        found[name] = look
        for share in SHARES:
            mix = Mix.of({"look": 1 - share, "words": share})
            by: dict[ComparedBy, Matrix] = {"look": within_0_and_1(look), "words": within_0_and_1(found["words"])}
            marked = " (a query's default)" if mix == LOOK_AND_WORDS else ""
            found[f"{name} + {share:g} words{marked}"] = mean_of(by, mix)
        by = {"look": within_0_and_1(look), "words": within_0_and_1(found["seen"])}
        found[f"{name} + 0.1 seen"] = mean_of(by, Mix.of({"look": 0.9, "words": 0.1}))
    return found


def _r_at_1(scores: Matrix, photos: Words, gallery: Words) -> float:
    return round(float((gallery.labels[scores.argmax(axis=1)] == photos.labels).mean()), 4)


def _seen(tags: Sequence[tuple[str, float]], colours: Sequence[tuple[str, float]]) -> Matrix:
    """What stands for the words of a picture; zeros where nothing does."""
    found = picture_vector(tags, colours)
    return np.zeros(DIMENSIONS, np.float32) if found is None else found
