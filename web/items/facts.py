"""What the API says of an item."""

from typing import Literal
from urllib.parse import quote

import msgspec
import numpy as np

from features.item import Item
from features.vision.kept_picture import KeptPicture
from features.vision.tags.readable import readable
from inference.catalog.catalog import Catalog

Size = Literal["preview", "full"]


class ItemTag(msgspec.Struct, frozen=True):
    """What a picture shows, in English and Chinese."""

    name: str
    chinese: str


class ItemPicture(msgspec.Struct, frozen=True):
    """Where the picture of an item is, and the size of the largest file in pixels; `preview_url` has 320 at most."""

    url: str
    preview_url: str
    width: int
    height: int


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An item as apps may know it, never with its owner. `searchable`: lists and answers may have it now.

    An item is `held` while it waits for a person's yes (docs/gate.md). `colours` has shares of the picture. `clip_ms`
    is the duration of its clip, if it has one: its picture is a frame of it then.
    """

    item_id: str
    title: str | None
    description: str | None
    category: str | None
    price: float | None
    currency: str | None
    in_stock: bool
    hidden: bool
    held: bool
    deleted: bool
    expires_at_ms: int | None
    uploaded_at_ms: int | None
    searchable: bool
    tags: list[ItemTag]
    colours: list[tuple[str, float]]
    attributes: dict[str, str]
    picture: ItemPicture | None
    clip_ms: int | None


def facts_of(item: Item, catalog: Catalog) -> ItemFacts:
    """The facts of an item, and whether the catalogue has it among what can be shown."""
    picture = shown_picture(item)
    return ItemFacts(
        item_id=item.item_id,
        title=item.title,
        description=item.description,
        category=item.known_category,
        price=item.price,
        currency=item.currency,
        in_stock=item.in_stock,
        hidden=item.hidden,
        held=item.is_held,
        deleted=item.deleted,
        expires_at_ms=item.expires_at_ms,
        uploaded_at_ms=item.uploaded_at_ms or None,
        searchable=is_searchable(item.item_id, catalog),
        tags=[ItemTag(tag.name, tag.chinese) for tag in readable(item.tags)],
        colours=[(name, round(share, 3)) for name, share in item.colours],
        attributes=dict(item.attributes or {}),
        picture=None if picture is None else _picture(item.item_id, picture),
        clip_ms=None if item.clip is None else item.clip.duration_ms,
    )


def is_searchable(item_id: str, catalog: Catalog) -> bool:
    """Whether the catalogue has an item among what can be shown."""
    row = catalog.row_of(item_id)
    return row is not None and bool(catalog.can_be_shown(np.array([row]))[0])


def shown_picture(item: Item) -> KeptPicture | None:
    """The picture of an item that anybody may see; that of a hidden, held or deleted one is nobody's to see."""
    picture = item.kept_picture
    is_shown = picture is not None and picture.is_sound and not (item.hidden or item.deleted or item.is_held)
    return picture if is_shown else None


def version_of(picture: KeptPicture) -> str:
    """The part of a picture's address that changes with its content."""
    return picture.sha256[:16]


def address_of(item_id: str, picture: KeptPicture, size: Size) -> str:
    """The address of a picture, which may be kept for ever: another picture has another one."""
    return f"/v1/items/{quote(item_id, safe='')}/picture?size={size}&v={version_of(picture)}"


def _picture(item_id: str, picture: KeptPicture) -> ItemPicture:
    full, preview = (address_of(item_id, picture, size) for size in ("full", "preview"))
    return ItemPicture(full, preview, picture.width, picture.height)
