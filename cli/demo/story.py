"""What the demo has to tell, ready to be shown: the numbers, and for some shoppers what they got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.world.shoppers import Product, Shopper
from cli.reasons import sentence
from features.recommendation import RecommendedItem

CLICKS_SHOWN = 6
FEED_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit and what it says."""

    value: str
    unit: str
    about: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One item: its title, and why it is there."""

    item_id: str
    title: str
    why: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Chapter:
    """One shopper: what was clicked (the last first) and the list in the end."""

    name: str
    taste: str
    clicked: tuple[Tile, ...]
    feed: tuple[Tile, ...]

    @property
    def fitting(self) -> int:
        """How many of the list are to the shopper's taste."""
        return sum(tile.fits for tile in self.feed)


@dataclass(frozen=True, slots=True)
class Story:
    """Everything on the page."""

    figures: tuple[Figure, ...]
    chapters: tuple[Chapter, ...]
    footer: str


def chapter(
    shopper: Shopper,
    clicked: Sequence[str],
    feed: Sequence[RecommendedItem],
    products: Mapping[str, Product],
) -> Chapter:
    """One shopper's chapter; items that are not this demo's appear by their id."""
    last = list(dict.fromkeys(reversed(clicked)))[:CLICKS_SHOWN]
    return Chapter(
        shopper.name,
        str(shopper.taste),
        tuple(_tile(item_id, "", shopper, products) for item_id in last),
        tuple(_tile(item.item_id, _why(item, products), shopper, products) for item in feed[:FEED_SHOWN]),
    )


def _tile(item_id: str, why: str, shopper: Shopper, products: Mapping[str, Product]) -> Tile:
    product = products.get(item_id)
    if product is None:
        return Tile(item_id, item_id, why, fits=False)
    return Tile(item_id, product.title, why, shopper.taste.likes(product))


def _why(item: RecommendedItem, products: Mapping[str, Product]) -> str:
    """The strongest reason in words, items by their titles."""
    if not item.reasons:
        return ""
    reason = item.reasons[0]
    product = products.get(reason.item_id or "")
    return sentence(msgspec.structs.replace(reason, item_id=product.title) if product else reason)
