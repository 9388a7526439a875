"""The demo's catalogue: drawn products, or pictures of a folder."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from threading import Event

import typer

from benchmarks.world.lookbooks import draw_lookbooks
from benchmarks.world.pictures import draw_catalogue
from benchmarks.world.shoppers import Product
from cli.items.picture_folder import balanced_sample, find_pictures, read_picture
from features.vision.formats import BadImage
from features.vision.shrink import jpeg
from streams.wire.events import IMAGE_LIMIT

THUMBNAIL = 320


@dataclass(frozen=True, slots=True)
class DemoItem:
    """A product with its encoded picture, or with its clip."""

    product: Product
    image: bytes
    price: float | None = None
    is_clip: bool = False


def drawn_items(count: int, seed: int, *, clips: int = 0) -> Iterator[DemoItem]:
    """Products with drawn pictures, and so many clips, where the workers here can read them."""
    for item in draw_catalogue(count, seed):
        yield DemoItem(Product(item.item_id, item.title, item.category, item.colour), item.jpeg, item.price)
    for clip in draw_lookbooks(clips if find_spec("av") else 0, seed):
        yield DemoItem(Product(clip.item_id, clip.title, clip.category), clip.gif, is_clip=True)


@contextmanager
def drawn_meanwhile(count: int, seed: int, *, clips: int) -> Iterator[Callable[[], list[DemoItem]]]:
    """Draw products in a thread, while something else is waited for; what is given waits for all of them."""
    stopping = Event()

    def draw() -> list[DemoItem]:
        return list(takewhile(lambda _: not stopping.is_set(), drawn_items(count, seed, clips=clips)))

    with ThreadPoolExecutor(1, "drawing") as pool:
        drawing = pool.submit(draw)
        try:
            yield drawing.result
        finally:
            stopping.set()


def folder_items(folder: Path, count: int, seed: int) -> Iterator[DemoItem]:
    """At most `count` pictures of a folder, balanced over its categories; uses its labels.csv (path, label) if any."""
    labels = folder / "labels.csv"
    found = find_pictures(folder, labels=labels if labels.is_file() else None)
    labelled = [picture for picture in found if picture.category is not None]
    if not labelled:
        raise typer.BadParameter(
            f"no picture in {folder} has a category: put each into a sub-folder named after its category, "
            "or a labels.csv with the columns path and label beside them"
        )
    for picture in balanced_sample(labelled, count, seed):
        category = picture.category or ""
        product = Product(picture.item_id, f"{category} {picture.path.stem[:8]}", category)
        try:
            yield DemoItem(product, read_picture(picture.path))
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error)) from None


def thumbnail(image: bytes) -> bytes | None:
    """A small JPEG of a picture; None if it cannot be decoded."""
    try:
        return jpeg(image, THUMBNAIL, IMAGE_LIMIT)
    except BadImage:
        return None
