"""The content of the demo's page: figures, and for some shoppers their clicks and lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.world.shoppers import Product, Shopper
from cli.reasons import sentence
from features.printable import printable
from features.recommendation import RecommendedItem

CLICKS_SHOWN = 6
FEED_SHOWN = 10
#: Characters of a title or a reason on the page.
TEXT_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit and meaning."""

    value: str
    unit: str
    about: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One item with its title and the reason why it was recommended, both printable."""

    item_id: str
    title: str
    why: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Chapter:
    """One shopper: the clicked items, latest first, and the last list."""

    name: str
    taste: str
    clicked: tuple[Tile, ...]
    feed: tuple[Tile, ...]

    @property
    def fitting(self) -> int:
        """How many items of the list fit the shopper's taste."""
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
    """One shopper's chapter; items of other origin appear by their id."""
    last = list(dict.fromkeys(reversed(clicked)))[:CLICKS_SHOWN]
    return Chapter(
        shopper.name,
        printable(str(shopper.taste), TEXT_SHOWN),
        tuple(_tile(item_id, "", shopper, products) for item_id in last),
        tuple(_tile(item.item_id, _why(item, products), shopper, products) for item in feed[:FEED_SHOWN]),
    )


def _tile(item_id: str, why: str, shopper: Shopper, products: Mapping[str, Product]) -> Tile:
    product = products.get(item_id)
    title = printable(item_id if product is None else product.title, TEXT_SHOWN)
    fits = product is not None and shopper.taste.likes(product)
    return Tile(item_id, title, printable(why, TEXT_SHOWN), fits)


def _why(item: RecommendedItem, products: Mapping[str, Product]) -> str:
    """The strongest reason in words, with the title of the item it names."""
    if not item.reasons:
        return ""
    reason = item.reasons[0]
    product = products.get(reason.item_id or "")
    return sentence(msgspec.structs.replace(reason, item_id=product.title) if product else reason)
