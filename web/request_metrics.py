"""Counts requests by route, method and kind of status: the route is the app's, so that no id becomes a label."""

import time
from functools import cache
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from streams.metrics import WEB_REQUEST

#: Clients may send any word.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: Finding a histogram takes as long as observing it.
_histogram = cache(WEB_REQUEST.labels)


class RequestMetrics:
    """ASGI middleware around everything: it sees what the app answers, and what is refused before that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class. A stream is over for this count when it begins."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        begun, answered = time.perf_counter(), False

        async def counting(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                _observe(scope, message["status"], begun)
            await send(message)

        try:
            await self._app(scope, receive, counting)
        except Exception:
            # The server answers 500.
            if not answered:
                _observe(scope, 500, begun)
            raise


def _observe(scope: HTTPScope, status: int, begun: float) -> None:
    """Count a request; one that was refused before it was routed has the route `none`."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = scope.get("path_template") or "none"
    _histogram(route, method, f"{status // 100}xx").observe(time.perf_counter() - begun)
