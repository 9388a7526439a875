"""The pictures that an encoder is trained on where no folder is given, and those that it must not get worse at."""

import asyncio
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
from state.codec import decode_item
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.objects.errors import ObjectMissing
from streams.pictures.store import PictureStore
from streams.settings import read_settings
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG

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
            items = _labelled_items(log, namespace, settings.partitions)
        pixels, labels = asyncio.run(_read(store, items))
    return album_of(pixels, labels, f"the catalogue with pictures in {store.url}/{store.folder}")


def _labelled_items(log: LogReader, namespace: Namespace, partitions: int) -> list[Item]:
    """The items with a category and a kept picture, by the time they changed."""
    topic, found = namespace.topic(CATALOG), dict[bytes | None, Item | None]()
    for partition in range(partitions):
        extent = log.extent(topic, partition)
        for record in log.read(topic, partition, extent.first, extent.end):
            found[record.key] = None if record.value is None else decode_item(record.value)
    items = [item for item in found.values() if item is not None and item.category and item.kept_picture]
    return sorted(items, key=lambda item: item.changed_at_ms)


async def _read(store: PictureStore, items: list[Item]) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Pixels and categories; pictures that are away or damaged are left out."""
    pixels, labels = [], []
    for number, item in enumerate(items):
        if number % _TOLD_EVERY == 0:
            progress(f"reading picture {number} of {len(items)}")
        if item.kept_picture is None or item.category is None:
            continue
        try:
            pixels.append(decode(await store.read(item.kept_picture.key)).pixels)
        except (ObjectMissing, BadImage):
            continue
        labels.append(item.category)
    return pixels, labels
