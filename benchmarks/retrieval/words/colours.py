"""How well words that name a colour find: "Red Bell Pepper" → photos of those, and not of yellow ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.retrieval.words.measure import DEPTH, Embed, Matrix, Words
from benchmarks.retrieval.words.title_map import halves
from features.vision.descriptors.similarities import within_0_and_1
from features.words.named_colours import named_colours
from inference.catalog.mixed_search import colour_factor
from inference.words.pictures import SEEN_LENGTH
from inference.words.title_map import TitleMap

SEEN: Final = "seen in pictures"
MAPPED: Final = "seen, and what titles teach"


@dataclass(frozen=True, slots=True)
class ColourWords:
    """P@10 of the `names` that name a colour: by `words` alone, and with the `colours` of the pictures."""

    by: str
    names: int
    words: float
    colours: float


def measure_colour_words(photos: Words, names: Sequence[str], embed: Embed) -> list[ColourWords]:
    """By photos without words; `names` say what is on each photo. Empty where none of them names a colour.

    What titles teach is learned from the texts of one half of the photos, and judged on the other.
    """
    texts = [name for name in dict.fromkeys(names) if named_colours(name) is not None]
    if not texts:
        return []
    asked = dict(zip(texts, embed(texts), strict=True))
    shown = np.array(names)
    found = {SEEN: [_p_at_10(photos.seen, photos.colours, shown, asked)], MAPPED: []}
    for fitted, tested in halves(photos):
        title_map = TitleMap.fit(photos.raw[fitted], photos.said[fitted])
        seen = photos.seen[tested]
        vectors = seen if title_map is None else title_map.joined(seen, photos.raw[tested])
        found[MAPPED].append(_p_at_10(vectors, photos.colours[tested], shown[tested], asked))
    means = {by: np.mean(each, axis=0).round(4).tolist() for by, each in found.items()}
    return [ColourWords(by, len(texts), words, colours) for by, (words, colours) in means.items()]


def _p_at_10(vectors: Matrix, shares: Matrix, shown: np.ndarray, asked: Mapping[str, Matrix]) -> tuple[float, float]:
    """The means over the names, without and with colours."""
    hits = []
    for name, vector in asked.items():
        alike = within_0_and_1(SEEN_LENGTH * vectors @ vector)
        ways = (alike, alike * colour_factor(shares, named_colours(name)))
        hits.append([(shown[np.argsort(-way, kind="stable")[:DEPTH]] == name).mean() for way in ways])
    words, colours = np.mean(hits, axis=0).tolist()
    return words, colours
