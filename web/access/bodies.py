"""How large a body may be, how long it may take, and what all bodies together may hold in memory."""

import asyncio
from typing import Final

from litestar.types import HTTPScope, Receive, ReceiveMessage, Send

from web.access.asgi import HttpApp, header
from web.access.caller import admitted_of
from web.access.rules import Body
from web.problems import Problem, send_problem

#: Bytes of all bodies that are read or handled at the same time.
HELD_LIMIT: Final = 512 << 20


class Bodies:
    """Refuses with 413 what is too large, with 408 what is too slow, with 503 what there is no room for."""

    def __init__(self, app: HttpApp, held_limit: int = HELD_LIMIT) -> None:
        self._app = app
        self._held_limit = held_limit
        #: Bytes of the bodies of all requests that are not answered yet.
        self.held = 0

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on the request with a `receive` that keeps the limits; without a body there is nothing to keep."""
        length = header(scope, b"content-length")
        if length in (None, "0") and header(scope, b"transfer-encoding") is None:
            await self._app(scope, receive, send)
            return
        match = admitted_of(scope).match
        body = match.rule.body_of((header(scope, b"content-type") or "").strip().lower())
        reading = _Reading(self, body, match.route, receive)
        try:
            if length is not None and length.isdecimal() and int(length) > body.limit:
                raise reading.too_large()
            await self._app(scope, reading.receive, send)
        except Problem as problem:
            await send_problem(problem, scope, send)
        finally:
            self.held -= reading.size

    def hold(self, size: int) -> None:
        """Count bytes that came; raises Problem 503 where there are too many of all requests together."""
        self.held += size
        if self.held > self._held_limit:
            raise Problem(
                503,
                "There are too many large bodies",
                f"the bodies of all requests have more than {self._held_limit:,} bytes now",
                remedy="send it again later",
                headers={"Retry-After": "1"},
            )


class _Reading:
    """One body as it comes."""

    def __init__(self, bodies: Bodies, body: Body, route: str, receive: Receive) -> None:
        self.size = 0
        self._bodies = bodies
        self._body = body
        self._route = route
        self._receive = receive
        self._whole = False
        self._deadline = asyncio.get_running_loop().time() + body.seconds

    async def receive(self) -> ReceiveMessage:
        """The next message; raises Problem 408, 413 or 503. Once the body is whole, waiting has no limit."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise self._too_slow() from None
        if message["type"] != "http.request":
            return message
        self._whole = not message.get("more_body", False)
        size = len(message.get("body", b""))
        self.size += size
        self._bodies.hold(size)
        if self.size > self._body.limit:
            raise self.too_large()
        return message

    def too_large(self) -> Problem:
        """Why a body is refused that has more bytes than the route takes."""
        return Problem(
            413,
            "The body is too large",
            f"{self._route} takes {self._body.limit:,} bytes of this Content-Type at most",
            remedy="send less at a time, or a smaller picture",
        )

    def _too_slow(self) -> Problem:
        return Problem(
            408,
            "The body came too slowly",
            f"{self.size:,} bytes came within {self._body.seconds:g} s, and the end did not",
            remedy="send it again over a faster connection, or less of it",
            headers={"Connection": "close"},
        )
