"""GET /v1/users/{id}/explain: why the list of a user is as it is, as `sightline user explain` says it."""

from dataclasses import dataclass, fields

from litestar import get

from inference.explain.explanation import Explanation
from streams.interactions.one_user import explain_user
from web.ids import ItemId, UserId
from web.parts import FromParts, Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedUser(Explanation):
    """The list that would be made now and what led to it; `item` says it of the item that was asked about."""

    user_id: str


@get("/v1/users/{user_id:str}/explain", summary="Why the list of a user is as it is")
async def explain(user: UserId, parts: FromParts) -> ExplainedUser:
    """Give each slot of the list that would be made now, with the sources, signals and reasons behind it."""
    return await _explain(parts, user, None)


@get("/v1/users/{user_id:str}/explain/{item_id:str}", summary="Why an item is in the list of a user, or is not")
async def explain_item(user: UserId, item: ItemId, parts: FromParts) -> ExplainedUser:
    """Say besides why this item is in the list, or which source, filter or score keeps it out."""
    return await _explain(parts, user, item)


async def _explain(parts: Parts, user: str, item: str | None) -> ExplainedUser:
    known_as, feeds = parts.inlet.known_as(user), parts.feeds
    feeds.apply_models()
    found = await explain_user(
        feeds.recommender,
        parts.catalog,
        parts.profiles,
        parts.signals,
        known_as,
        item,
        feeds.arm_of(known_as),
        feeds.index_client,
    )
    return ExplainedUser(user_id=user, **{each.name: getattr(found, each.name) for each in fields(found)})
