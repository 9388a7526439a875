"""Headers that tell browsers what not to do with answers, on every answer, errors included."""

from typing import Final

from litestar.types import HTTPScope, Message, Receive, Send

from web.access.asgi import HttpApp

#: The page has no script or style in its HTML, loads nothing from elsewhere, and is in nobody's frame.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
#: Where a handler does not say otherwise: answers are about people.
_UNKEPT: Final = (b"cache-control", b"no-store")


class SecurityHeaders:
    """Adds the headers to each answer."""

    def __init__(self, app: HttpApp) -> None:
        self._app = app

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on the request, and add to what comes back."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message["headers"])
                kept = any(name.lower() == _UNKEPT[0] for name, _ in given)
                message["headers"] = [*given, *HEADERS, *([] if kept else [_UNKEPT])]
            await send(message)

        await self._app(scope, receive, with_headers)
