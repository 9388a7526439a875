"""The pictures that an encoder is trained on where no folder is given, and those that it must not get worse at."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.album import FEWEST, Album, UnreadableAlbum, album_of, picture_files, readable
from benchmarks.world.pictures import draw_catalogue
from cli.output import progress
from cli.running import running_stores
from features.item import Item
from features.vision.decode import decode
from features.vision.formats import BadImage
from inference.encoders.tuning.views import view
from streams.catalog.contents import read_items
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader
from streams.objects.errors import ObjectMissing
from streams.pictures.store import PictureStore
from streams.settings import read_settings
from streams.wire.namespace import Namespace

_DRAWN = 240
_DRAWN_SEED = 7
_TOLD_EVERY = 100
#: Without labels no more pictures are taken: their views are in memory, 0.9 MB a picture.
_UNLABELLED_LIMIT = 2000
#: When an item changed, the key of its picture, and its category.
_Chosen: TypeAlias = tuple[int, str, str]
_Choose: TypeAlias = Callable[[Item], _Chosen | None]
T = TypeVar("T")


def drawn_album() -> Album:
    """The demo's drawings by category: a world that no shop's photos are of."""
    progress(f"drawing {_DRAWN} foreign pictures")
    drawn = [(decode(each.jpeg).pixels, each.category) for each in draw_catalogue(_DRAWN, _DRAWN_SEED)]
    return album_of([pixels for pixels, _ in drawn], [category for _, category in drawn], "the demo")


def catalogue_album() -> Album:
    """The kept pictures of the deployment's items that have a category, their label; raises UnreadableAlbum."""
    pixels, labels, place = _kept_pictures(_labelled)
    return album_of(pixels, labels, place)


def unlabelled_pictures(folder: Path | None, seed: int, at_most: int = _UNLABELLED_LIMIT) -> list[NDArray[np.uint8]]:
    """Pictures of a folder, however deep, else of the deployment's items; of very many some, which the seed decides."""
    if folder is None:
        return _kept_pictures(_picture, lambda found: _some(found, seed, at_most))[0]
    chosen = _some(picture_files(folder), seed, at_most)
    progress(f"{folder.name}: reading {len(chosen)} pictures")
    return [each for each in map(readable, chosen) if each is not None]


def seen_variously(pictures: Sequence[NDArray[np.uint8]], seed: int) -> Album:
    """Each picture and views of it, which have a label of their own; raises UnreadableAlbum where there is one only."""
    if len(pictures) < 2:
        raise UnreadableAlbum("there are no two pictures that can be read")
    random = np.random.default_rng(seed)
    pixels = [each for picture in pictures for each in (picture, *(view(picture, random) for _ in range(FEWEST - 1)))]
    labels = [f"{number:06}" for number in range(len(pictures)) for _ in range(FEWEST)]
    return Album(np.stack(pixels), labels)


def _some(found: Sequence[T], seed: int, at_most: int) -> list[T]:
    places = np.random.default_rng(seed).permutation(len(found))[:at_most]
    return [found[place] for place in sorted(places.tolist())]


def _kept_pictures(
    choose: _Choose, some: Callable[[Sequence[_Chosen]], Sequence[_Chosen]] = tuple
) -> tuple[list[NDArray[np.uint8]], list[str], str]:
    """The pixels of the items' kept pictures, what was chosen of each item, and where they were looked for.

    `some` says which of them are read, of all in the order in which they changed.
    """
    settings = read_settings()
    namespace = Namespace(settings.topic_prefix)
    store = PictureStore(settings.picture_store, namespace)
    with running_stores(settings) as endpoints:
        with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as log:
            found = read_items(log, namespace, settings.partitions, choose)
        chosen = some(sorted(found.values()))
        pixels, labels = asyncio.run(_read(store, [(key, label) for _, key, label in chosen]))
    return pixels, labels, f"the catalogue with pictures in {store.url}/{store.folder}"


def _labelled(item: Item) -> _Chosen | None:
    return _picture(item) if item.category else None


def _picture(item: Item) -> _Chosen | None:
    """When an item changed, the key of its kept picture if it has one, and its category."""
    return None if item.kept_picture is None else (item.changed_at_ms, item.kept_picture.key, item.category or "")


async def _read(store: PictureStore, pictures: Sequence[tuple[str, str]]) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Pixels and categories; pictures that are away or damaged are left out."""
    pixels, labels = [], []
    for number, (key, label) in enumerate(pictures):
        if number % _TOLD_EVERY == 0:
            progress(f"reading picture {number} of {len(pictures)}")
        try:
            pixels.append(decode(await store.read(key)).pixels)
        except (ObjectMissing, BadImage):
            continue
        labels.append(label)
    return pixels, labels
