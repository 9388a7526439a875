"""GET /v1/items: what is known of items."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from features.item import Item
from web.access.caller import caller_of
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
async def item(request: Request[Any, Any, State], item: ItemId, parts: FromParts) -> ItemFacts:
    """Give an item's facts; of one that is hidden, held or deleted to keys, and to the token of its owner."""
    found = await stored(parts, item)
    if not _may_know(request, parts, found):
        raise _unknown(item)
    return facts_of(found, parts.catalog)


@get("/v1/items", summary="What is known of several items")
async def items(request: Request[Any, Any, State], ids: Ids, parts: FromParts) -> ItemsById:
    """Give the facts of items by id; those that are unknown, or not to be known, are left out."""
    found = await parts.signals.items(ids)
    known = {name: each for name, each in found.items() if _may_know(request, parts, each)}
    return ItemsById({name: facts_of(each, parts.catalog) for name, each in known.items()})


async def stored(parts: Parts, item_id: str) -> Item:
    """What is stored of an item; raises Problem where nothing is."""
    found = (await parts.signals.items([item_id])).get(item_id)
    if found is None:
        raise _unknown(item_id)
    return found


def _may_know(request: Request[Any, Any, State], parts: Parts, item: Item) -> bool:
    """Whether the caller may know what an item says: what was taken from sight is for keys, and for its owner."""
    user = caller_of(request.scope).user
    is_open = not (item.hidden or item.deleted or item.is_held)
    return user is None or is_open or item.owner == parts.inlet.known_as(user)


def _unknown(item_id: str) -> Problem:
    return Problem(404, "The item is not known", f"nothing is known of item {item_id!r}")
