"""Which pages of other origins may ask: those of SIGHTLINE_WEB_ORIGINS, by CORS (https://fetch.spec.whatwg.org/#http-cors-protocol).

There are no cookies, so nothing is allowed "with credentials": a page sends a key or token that it was given. Where the
door has no keys, a request is let in because it comes from this machine, and any page in a browser here could send one.
What a page of another origin sends is then refused, whatever it asks (CSRF).
"""

from collections.abc import Sequence
from typing import Final

from litestar.types import HTTPScope, Message, Receive, Send

from web.access.asgi import HttpApp, header
from web.problems import Problem, send_problem

_PREFLIGHT: Final = [
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    # The star stands for all headers but this one.
    (b"access-control-allow-headers", b"*, Authorization"),
    (b"access-control-max-age", b"7200"),
]
_READABLE: Final = [(b"access-control-expose-headers", b"ETag, Retry-After, WWW-Authenticate, Location, Allow")]


class Origins:
    """Answers preflights, names pages that may read answers, and keeps all others from a door without keys."""

    def __init__(self, app: HttpApp, allowed: Sequence[str], *, keyless: bool) -> None:
        self._app = app
        self._allowed = frozenset(allowed)
        self._keyless = keyless

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on what may be asked from that origin, or without one."""
        origin = header(scope, b"origin")
        if origin is None:
            await self._app(scope, receive, self._varying(send, []))
            return
        listed = origin in self._allowed
        shown = [(b"access-control-allow-origin", origin.encode("latin-1")), *_READABLE] if listed else []
        respond = self._varying(send, shown)
        preflight = scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None
        if preflight and listed:
            await _allow(respond)
        elif not listed and (preflight or (self._keyless and not _same(origin, scope))):
            await send_problem(_foreign(), scope, respond)
        else:
            await self._app(scope, receive, respond)

    def _varying(self, send: Send, shown: list[tuple[bytes, bytes]]) -> Send:
        """A `send` that adds headers to the answer; without listed origins nothing varies."""
        if not self._allowed:
            return send

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *shown, (b"vary", b"Origin")]
            await send(message)

        return with_headers


def _same(origin: str, scope: HTTPScope) -> bool:
    """Whether the page is the door's own; `null`, the origin of sandboxed pages and files, is not."""
    return origin.partition("://")[2] == header(scope, b"host")


def _foreign() -> Problem:
    return Problem(
        403,
        "Pages of this origin may not ask",
        "the Origin header is not the server's own, and not in its list",
        remedy="add the page's origin, as https://shop.example, to SIGHTLINE_WEB_ORIGINS",
    )


async def _allow(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
