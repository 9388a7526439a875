"""GET /v1/trends: looks, categories and colours that rise."""

import msgspec
from litestar import get

from sightline_client.trends import Trends
from web.parts import FromParts


class AllTrends(msgspec.Struct):
    """What rises, by kind; a kind of which nothing was published is left out."""

    trends: list[Trends]


@get("/v1/trends", summary="Looks, categories and colours that users choose more than before")
async def trends(parts: FromParts) -> AllTrends:
    """Give the latest record of each kind (topic trends)."""
    return AllTrends([parts.tail.trends[kind] for kind in sorted(parts.tail.trends)])
