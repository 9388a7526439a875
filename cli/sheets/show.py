"""Shows items as a contact sheet: their kept pictures are read, drawn, and written or shown."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

from PIL import Image

from cli.output import progress
from cli.sheets.contact_sheet import ITEMS_SHOWN, Cell, draw_contact_sheet
from cli.sheets.terminal import escape, protocol_of
from cli.user.stored import stores
from deploy.local import Endpoints
from features.item import Item
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.settings import Settings
from streams.wire.namespace import Namespace


def show_sheet(settings: Settings, endpoints: Endpoints, sheet: str, title: str, cells: Sequence[Cell]) -> None:
    """Draw the cells with the pictures that are kept of the items, and write or show the sheet."""
    shown = cells[:ITEMS_SHOWN]
    kept = asyncio.run(_previews(settings, endpoints, [cell.item_id for cell in shown if cell.picture is None]))
    shown = [replace(cell, picture=cell.picture or kept.get(cell.item_id)) for cell in shown]
    drawn = draw_contact_sheet(title, shown)
    if sheet == "-":
        sys.stdout.write(escape(_png(drawn), protocol_of() or "iterm2"))
        return
    drawn.save(sheet)
    with_picture = sum(cell.picture is not None for cell in shown)
    progress(f"{with_picture} of {len(shown)} with a picture: {sheet}")


async def _previews(settings: Settings, endpoints: Endpoints, item_ids: Sequence[str]) -> dict[str, bytes]:
    """The kept previews by item id; one that is not there is left out, and a store that is away is said once."""
    async with stores(settings, endpoints) as (_, signals):
        items = [*(await signals.items(item_ids)).values()]
    store = PictureStore(settings.picture_store, Namespace(settings.topic_prefix))
    try:
        read = await asyncio.gather(*(_preview(store, item) for item in items))
    except ObjectsUnavailable as error:
        progress(f"the sheet has no pictures: {error}")
        return {}
    return {item.item_id: picture for item, picture in zip(items, read, strict=True) if picture is not None}


async def _preview(store: PictureStore, item: Item) -> bytes | None:
    if item.kept_picture is None:
        return None
    try:
        return await store.read(item.kept_picture.preview)
    except ObjectMissing:
        return None


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
