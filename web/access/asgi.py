"""What the checks before the app are made of: plain ASGI, which a stream passes unbuffered and without a task."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from litestar.types import HTTPScope, Receive, Send

#: An ASGI app that gets requests alone: neither the lifespan nor websockets.
HttpApp: TypeAlias = Callable[[HTTPScope, Receive, Send], Awaitable[None]]


def header(scope: HTTPScope, name: bytes) -> str | None:
    """The value of a header by its name in lower case; several of the same name are joined by commas; None for none."""
    found = [value for key, value in scope["headers"] if key.lower() == name]
    return b",".join(found).decode("latin-1") if found else None
