"""How large a body may be, how long it may take, and what all bodies together may hold in memory."""

import asyncio
from collections import Counter
from typing import Final

from litestar.types import HTTPScope, Receive, ReceiveMessage, Send

from web.access.asgi import HttpApp, header
from web.access.caller import Admitted, Caller, admitted_of
from web.access.rules import Body
from web.problems import Problem, send_problem

#: Bytes of all bodies that are read or handled at the same time.
HELD_LIMIT: Final = 512 << 20
#: Of these, a key or an address may have a half, and a user's tokens an eighth: the others are heard, too.
_KEYS_PART: Final = 2
_USERS_PART: Final = 8
#: A length of more digits is too large; Python does not read some thousand of them.
_DIGITS: Final = 15


class Bodies:
    """Refuses with 413 what is too large, with 408 what is too slow, with 503 what there is no room for."""

    def __init__(self, app: HttpApp, held_limit: int = HELD_LIMIT) -> None:
        self._app = app
        self._held_limit = held_limit
        #: Bytes of the bodies of all requests that are not answered yet, in all and by caller.
        self.held = 0
        self._of: Counter[str] = Counter()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on the request with a `receive` that keeps the limits; without a body there is nothing to keep."""
        length = header(scope, b"content-length")
        if length in (None, "0") and header(scope, b"transfer-encoding") is None:
            await self._app(scope, receive, send)
            return
        admitted = admitted_of(scope)
        match = admitted.match
        body = match.rule.body_of((header(scope, b"content-type") or "").strip().lower())
        reading = _Reading(self, body, admitted, receive)
        try:
            if length is not None and length.isdecimal() and (len(length) > _DIGITS or int(length) > body.limit):
                raise reading.too_large()
            await self._app(scope, reading.receive, send)
        except Problem as problem:
            await send_problem(problem, scope, send)
        finally:
            self.hold(admitted.caller, -reading.size)

    def hold(self, caller: Caller, size: int) -> None:
        """Count bytes that came, or are done with."""
        self.held += size
        self._of[caller.counted] += size
        if not self._of[caller.counted]:
            del self._of[caller.counted]

    def check(self, caller: Caller) -> None:
        """Raise Problem 503 where too many bytes are held: of all requests, or of this caller's."""
        most = self._held_limit // (_KEYS_PART if caller.user is None else _USERS_PART)
        if self.held > self._held_limit or self._of[caller.counted] > most:
            raise Problem(
                503,
                "There are too many large bodies",
                f"at the same time {most:,} bytes of {caller.name} are read, and {self._held_limit:,} of all requests",
                remedy="send it again later",
                headers={"Retry-After": "1"},
            )


class _Reading:
    """One body as it comes."""

    def __init__(self, bodies: Bodies, body: Body, admitted: Admitted, receive: Receive) -> None:
        self.size = 0
        self._bodies = bodies
        self._body = body
        self._caller = admitted.caller
        self._route = admitted.match.route
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
        self._bodies.hold(self._caller, size)
        self._bodies.check(self._caller)
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
