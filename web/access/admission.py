"""Lets a request in by its route, who asks, how often, and whether they may; or refuses it before its body is read."""

from litestar.types import HTTPScope, Receive, Send

from web.access.asgi import HttpApp
from web.access.caller import Admitted, Caller, keep
from web.access.credentials import Credentials, anybody
from web.access.matching import Match, Routes
from web.access.rates import Rates
from web.ids import sent_path
from web.problems import Problem, send_problem


class Admission:
    """Refuses with 400, 401, 403, 404, 405 or 429; what it lets in is kept with the request as `Admitted`."""

    def __init__(self, app: HttpApp, routes: Routes, credentials: Credentials, rates: Rates) -> None:
        self._app = app
        self._routes = routes
        self._credentials = credentials
        self._rates = rates

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on a request that is let in, and answer the others."""
        try:
            keep(scope, self._admit(scope))
        except Problem as problem:
            await send_problem(problem, scope, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, scope: HTTPScope) -> Admitted:
        try:
            match = self._routes.match(scope["method"], sent_path(scope))
            caller = self._caller(scope, match)
        except Problem:
            # Guesses count, too.
            self._rates.take(anybody(scope))
            raise
        self._rates.take(caller)
        caller.check(match)
        return Admitted(match, caller)

    def _caller(self, scope: HTTPScope, match: Match) -> Caller:
        if match.rule.scope is None:
            return anybody(scope)
        return self._credentials.caller(scope, stream=match.rule.stream)
