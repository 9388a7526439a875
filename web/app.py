"""The app: the table of routes, and what stands around all of them."""

from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp

from web.access.entrance import Entrance
from web.events.publish import publish
from web.ids import DEPENDENCIES, EncodedPaths
from web.items.change import change, remove
from web.items.items import item, items
from web.items.picture import picture
from web.items.stages import stages
from web.items.upload import upload
from web.lists.recommendations import recommendations
from web.lists.stream import stream
from web.openapi_config import CONFIG
from web.operations.figures import operations
from web.operations.health import healthz, metrics, readyz
from web.page.page import page_handlers
from web.parameters import LIMITS
from web.parts import Parts
from web.problems import HANDLERS
from web.request_metrics import RequestMetrics
from web.search.like_item import like_item
from web.search.queries import search, similar
from web.search.trends import trends
from web.users.explain import explain, explain_item
from web.users.profile import profile
from web.users.receipts import receipt
from web.users.requests import REQUESTS
from web.users.token import token

#: Every route but those of the page.
ROUTES: list[Any] = [
    *(recommendations, stream),
    *(search, similar, like_item, trends),
    *(publish, item, items, picture, upload, stages, change, remove),
    *(profile, explain, explain_item, *REQUESTS, receipt, token),
    *(operations, healthz, readyz, metrics),
]


def make_app(parts: Parts) -> ASGIApp:
    """The whole door to these parts."""
    return RequestMetrics(Entrance(EncodedPaths(make_routes(parts)), parts.settings))


def make_routes(parts: Parts) -> Litestar:
    """The routes, without what stands before them."""
    return Litestar(
        [*page_handlers(), *ROUTES],
        dependencies={
            "parts": Provide(lambda: parts, sync_to_thread=False, use_cache=True),
            **{name: Provide(read) for name, read in (DEPENDENCIES | LIMITS).items()},
        },
        exception_handlers=HANDLERS,
        openapi_config=CONFIG,
        # Each route has its own limit (web/access/rules.py).
        request_max_body_size=None,
        # Problems are logged by us, once.
        logging_config=None,
        pdb_on_exception=False,
    )
