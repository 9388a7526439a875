"""How many streams may be open: in all, and by one caller. A stream also ends when the token that opened it does."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from litestar.types import HTTPScope, Message, Receive, Send

from web.access.asgi import HttpApp
from web.access.caller import Caller, admitted_of
from web.problems import Problem, send_problem

#: Streams that one user's tokens may hold open: browsers have six a host and tab, and people have several devices.
USER_LIMIT: Final = 32


class _Over(Exception):
    """The token of the stream has ended."""


class Listeners:
    """Refuses with 503 a stream that is one too many. One key or address may have half of all: others get in, too."""

    def __init__(self, app: HttpApp, limit: int, *, keyless: bool, now_s: Callable[[], float] = time.time) -> None:
        self._app = app
        self._limit = limit
        self._share = limit if keyless else max(limit // 2, 1)
        self._now_s = now_s
        self._open: Counter[str] = Counter()
        self.count = 0

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on the request, and count it for as long as it lasts where it may be a stream."""
        admitted = admitted_of(scope)
        if not admitted.match.rule.stream:
            await self._app(scope, receive, send)
            return
        caller = admitted.caller
        if refusal := self._refusal(caller):
            await send_problem(refusal, scope, send)
            return
        self.count += 1
        self._open[caller.counted] += 1
        try:
            await self._pass_on(scope, receive, send, caller.until_s)
        finally:
            self.count -= 1
            self._open[caller.counted] -= 1
            if not self._open[caller.counted]:
                del self._open[caller.counted]

    async def _pass_on(self, scope: HTTPScope, receive: Receive, send: Send, until_s: float | None) -> None:
        if until_s is None:
            await self._app(scope, receive, send)
            return
        over = False

        async def while_good(message: Message) -> None:
            nonlocal over
            if message["type"] == "http.response.body" and message["more_body"] and self._now_s() >= until_s:
                over = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise _Over
            await send(message)

        try:
            await self._app(scope, receive, while_good)
        except Exception:
            # The app may have wrapped it, alone or in a group.
            if not over:
                raise

    def _refusal(self, caller: Caller) -> Problem | None:
        most = self._share if caller.user is None else min(USER_LIMIT, self._share)
        if self.count < self._limit and self._open[caller.counted] < most:
            return None
        mine = self.count < self._limit
        return Problem(
            503,
            "There are too many open streams",
            f"{caller.name} has {most} open, the most it may have" if mine else f"all {self._limit} are open",
            remedy="close streams that nobody reads, or wait; SIGHTLINE_WEB_LISTENERS sets how many there may be",
            headers={"Retry-After": "10"},
        )
