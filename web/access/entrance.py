"""The checks before the app, in order: the first that refuses answers, and what is behind it does no work."""

from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from streams.settings import Settings
from web.access.admission import Admission
from web.access.asgi import HttpApp
from web.access.bodies import Bodies
from web.access.credentials import Credentials
from web.access.headers import SecurityHeaders
from web.access.hosts import Hosts
from web.access.listeners import Listeners
from web.access.matching import Routes
from web.access.origins import Origins
from web.access.rates import Rates
from web.access.tokens import UserTokens


class Entrance:
    """The app behind its checks, as the settings want them; each process has one."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        keys = settings.web_callers
        self._app = app
        self.listeners = Listeners(Bodies(cast(HttpApp, app)), settings.web_listeners, keyless=not keys)
        credentials = Credentials(keys, UserTokens(settings.web_signers))
        admission = Admission(self.listeners, Routes(), credentials, Rates(settings.web_rate))
        checked: HttpApp = Origins(admission, settings.web_pages, keyless=not keys)
        if not keys:
            checked = Hosts(checked, settings.web_host)
        self._checked = SecurityHeaders(checked)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send requests through the checks, and the start and the end of the process straight to the app."""
        if scope["type"] == ScopeType.HTTP:
            await self._checked(scope, receive, send)
        else:
            await self._app(scope, receive, send)
