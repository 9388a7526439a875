"""A shop of red and blue things of which some have a title."""

import numpy as np

from features.item import Item
from inference.catalog.catalog import Catalog
from tests.harness.words import words

#: Looks of so many dimensions: the first is that of red things, the second that of blue ones.
DIMENSIONS = 4
ENCODER = "e@1"


def thing(name: str, colour: str, title: str | None) -> Item:
    """An item that looks like its colour, with a little of its own; without a title a jersey is seen in it."""
    look = np.zeros(DIMENSIONS)
    look[("red", "blue").index(colour)] = 1
    look[2:] = np.random.default_rng(sum(name.encode())).normal(0, 0.2, DIMENSIONS - 2)
    embedding = (look / np.linalg.norm(look)).astype("<f2").tobytes()
    said = None if title is None else words(title)
    return Item(
        name,
        1,
        owner="u9",
        uploaded_at_ms=1,
        title=title,
        words=said,
        tags=(("jersey", 0.9),),
        embeddings={ENCODER: embedding},
    )


def titled(count: int, titles: tuple[str, str] = ("red shirt", "blue shirt")) -> list[tuple[str, Item]]:
    """Items with a title for each colour, in turns."""
    colours = [("red", "blue")[number % 2] for number in range(count)]
    each = [thing(f"i{number}", colour, titles[number % 2]) for number, colour in enumerate(colours)]
    return [(item.item_id, item) for item in each]


def shop(count: int) -> Catalog:
    """So many items with titles, and a red and a blue one without."""
    catalog = Catalog(DIMENSIONS, encoder=ENCODER, words=True)
    untitled = [thing("red", "red", None), thing("blue", "blue", None)]
    catalog.apply([*titled(count), *((item.item_id, item) for item in untitled)])
    return catalog
