"""Refuses requests for other hosts, where the door has no keys.

A page on the internet can let its own name point to 127.0.0.1 (DNS rebinding). The browser then takes the door for a
part of that page, but the Host header has the page's name.
"""

import re
from typing import Final

from litestar.types import HTTPScope, Receive, Send

from web.access.asgi import HttpApp, header
from web.problems import Problem, send_problem

_PORT: Final = re.compile(r":[0-9]{1,5}$")
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Hosts:
    """Passes on requests for this machine's own names, or for the address that the door listens on."""

    def __init__(self, app: HttpApp, host: str) -> None:
        self._app = app
        self._hosts = _LOCAL | {f"[{host}]" if ":" in host else host}

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Pass on a request for one of the hosts; all others get 421."""
        asked = header(scope, b"host") or ""
        if _PORT.sub("", asked.lower()) in self._hosts:
            await self._app(scope, receive, send)
            return
        refusal = Problem(
            421,
            "This host is not served here",
            f"the Host header must be one of {', '.join(sorted(self._hosts))}, with or without a port",
            remedy="use http://localhost; for other names the server needs keys (SIGHTLINE_WEB_KEYS)",
        )
        await send_problem(refusal, scope, send)
