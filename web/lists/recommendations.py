"""GET /v1/users/{id}/recommendations: the list that a user would get now."""

import time
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import QueryParameter

from features.search_filter import SearchFilter
from sightline_client.lists import RecommendedItem
from streams.metrics import StageTimer
from web.ids import UserId
from web.lists.cursor import SHOWN_LIMIT, read_cursor
from web.parameters import Count, FromLimits
from web.parts import FromParts


class MadeNow(msgspec.Struct, kw_only=True):
    """A list made for this request. `cursor` gives the next page; null where there is nothing more.

    `known` is false for a user of whom nothing is known, or no longer: the list has what is trending, popular and new.
    """

    user_id: str
    known: bool
    opted_out: bool
    items: list[RecommendedItem]
    cursor: str | None
    generated_at_ms: int
    filtered: dict[str, int]
    degraded: list[str]
    model: dict[str, str]
    timings_ms: dict[str, float]


@get("/v1/users/{user_id:str}/recommendations", summary="The list of a user, made now")
async def recommendations(
    user: UserId,
    parts: FromParts,
    limits: FromLimits,
    count: Count = None,
    cursor: Annotated[str | None, QueryParameter(max_length=16_384)] = None,
) -> MadeNow:
    """Make the list of a user from her stored profile, by the code that makes the pushed lists."""
    shown, stages, known_as = read_cursor(cursor, user), StageTimer(), parts.inlet.known_as(user)
    profile = (await parts.profiles.read(known_as, parts.settings.partitions)).profile
    stages.end("load")
    (feed,) = await parts.feeds.make(
        [(known_as, profile)], stages, length=count, within=SearchFilter.of(limits, without=shown.shown)
    )
    ranking = feed.recommended.ranking
    after = shown.after([item.item_id for item in ranking.items])
    length = count or parts.feeds.recommender.length
    more = len(ranking.items) == length and len(after.shown) <= SHOWN_LIMIT
    return MadeNow(
        user_id=user,
        known=profile.is_known,
        opted_out=profile.privacy.opted_out,
        items=ranking.items,
        cursor=after.encode(user) if more else None,
        generated_at_ms=feed.at_ms,
        filtered=feed.recommended.filtered,
        degraded=parts.feeds.degraded,
        model=parts.feeds.recommender.model_of(feed.arm),
        timings_ms=_timings(stages),
    )


def _timings(stages: StageTimer) -> dict[str, float]:
    known: dict[str, Any] = stages.milliseconds
    total = time.time_ns() / 1e6 - stages.started_ms
    return {"profile": known.pop("load", 0.0), **known, "total": round(max(total, 0.0), 3)}
