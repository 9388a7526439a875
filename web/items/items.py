"""GET /v1/items: what is known of items."""

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter

from features.item import Item
from web.ids import ItemId
from web.items.facts import ItemFacts, facts_of
from web.parts import FromParts, Parts
from web.problems import Problem

#: Items of one request.
ITEMS_LIMIT: Final = 200
Ids = Annotated[list[str], QueryParameter(min_items=1, max_items=ITEMS_LIMIT, description="Ids of items; repeat it")]


class ItemsById(msgspec.Struct):
    """The items that are known, by id."""

    items: dict[str, ItemFacts]


@get("/v1/items/{item_id:str}", summary="What is known of an item")
async def item(item: ItemId, parts: FromParts) -> ItemFacts:
    """Give an item's facts, also of one that is hidden or deleted."""
    return facts_of(await stored(parts, item), parts.catalog)


@get("/v1/items", summary="What is known of several items")
async def items(ids: Ids, parts: FromParts) -> ItemsById:
    """Give the facts of items by id; unknown ones are left out."""
    found = await parts.signals.items(ids)
    return ItemsById({name: facts_of(each, parts.catalog) for name, each in found.items()})


async def stored(parts: Parts, item_id: str) -> Item:
    """What is stored of an item; raises Problem where nothing is."""
    found = (await parts.signals.items([item_id])).get(item_id)
    if found is None:
        raise Problem(404, "The item is not known", f"nothing is stored of item {item_id!r}")
    return found
