"""A store of kept pictures on a folder, and items that name them."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from features.item import Item, key_of
from features.trends import NO_TRENDS
from features.vision.kept_picture import KeptPicture, full_key, preview_key
from state.signals import Signals, SignalStore, partition_of
from streams.pictures.store import PictureStore
from streams.wire.namespace import Namespace


def store_in(folder: Path) -> PictureStore:
    return PictureStore(folder.as_uri(), Namespace())


async def keep(store: PictureStore, name: str, side: int = 400) -> KeptPicture:
    """Keep a red picture, and a preview of it, under the hash of a name."""
    digest = sha256(name.encode()).hexdigest()
    key, preview = full_key(store.folder, digest), preview_key(store.folder, digest)
    await store.write(key, webp(side))
    await store.write(preview, webp(320))
    return KeptPicture(key, preview, side, side, len(webp(side)))


def webp(side: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (side, side), (200, 30, 30)).save(out, "WEBP")
    return out.getvalue()


async def put_items(signals: SignalStore, *items: Item) -> None:
    """Store items as the items worker does."""
    for item in items:
        place = partition_of(key_of(item.item_id), signals.partitions)
        held = (await signals.positions([place]))[place]
        stored = Signals(held + 1, {}, NO_TRENDS, {item.item_id: item}, {})
        assert await signals.commit({place: held}, {place: stored}) == {}
