"""The pictures that an encoder is trained on where no folder is given, and those that it must not get worse at."""

import asyncio
from collections.abc import Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.album import Album, album_of
from benchmarks.world.pictures import draw_catalogue
from cli.output import progress
from cli.running import running_stores
from features.item import Item
from features.vision.decode import decode
from features.vision.formats import BadImage
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


def drawn_album() -> Album:
    """The demo's drawings by category: a world that no shop's photos are of."""
    progress(f"drawing {_DRAWN} foreign pictures")
    drawn = [(decode(each.jpeg).pixels, each.category) for each in draw_catalogue(_DRAWN, _DRAWN_SEED)]
    return album_of([pixels for pixels, _ in drawn], [category for _, category in drawn], "the demo")


def catalogue_album() -> Album:
    """The kept pictures of the deployment's items that have a category, their label; raises UnreadableAlbum."""
    settings = read_settings()
    namespace = Namespace(settings.topic_prefix)
    store = PictureStore(settings.picture_store, namespace)
    with running_stores(settings) as endpoints:
        with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as log:
            found = read_items(log, namespace, settings.partitions, _labelled)
        # In the order in which they changed.
        pixels, labels = asyncio.run(_read(store, [(key, label) for _, key, label in sorted(found.values())]))
    return album_of(pixels, labels, f"the catalogue with pictures in {store.url}/{store.folder}")


def _labelled(item: Item) -> tuple[int, str, str] | None:
    """When an item changed, the key of its kept picture, and its category; None where it lacks one of these."""
    if item.kept_picture is None or not item.category:
        return None
    return item.changed_at_ms, item.kept_picture.key, item.category


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
