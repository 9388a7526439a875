"""Ids in paths: any text, decoded exactly once.

Servers decode a path before it is routed, so that the id `a/b` would look like two parts of the path. Here the path is
routed as it was sent, and each part is decoded when it is read.
"""

from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.params import FromPath
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from sightline_client.faults import fault_of
from sightline_client.fields import Id
from web.problems import Problem


class EncodedPaths:
    """ASGI middleware: the app routes by the path as it was sent, still encoded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == ScopeType.HTTP:
            scope["path"] = sent_path(scope).decode("ascii", "replace")
        await self._app(scope, receive, send)


def sent_path(scope: HTTPScope) -> bytes:
    """The path of a request as it was sent."""
    return scope.get("raw_path") or scope["path"].encode()


def decoded(kind: str, part: str) -> str:
    """A part of a path as the id that it stands for; raises Problem.

    >>> decoded("item", "a%2Fb%25")
    'a/b%'
    """
    try:
        return msgspec.convert(unquote_to_bytes(part).decode(), Id)
    except UnicodeDecodeError:
        raise Problem(
            400, "An id is not UTF-8", f"the id of the {kind} in the path is not UTF-8: encode it so"
        ) from None
    except msgspec.ValidationError as error:
        raise Problem(400, "An id is too long", fault_of(error, whole=f"the id of the {kind} in the path")) from None


#: How a handler asks for the id that its path names: `user: UserId`, `item: ItemId`.
UserId: TypeAlias = NamedDependency[str]
ItemId: TypeAlias = NamedDependency[str]


async def user_of(user_id: FromPath[str]) -> str:
    """The user whom a path names: a dependency of handlers below /v1/users/{user_id}."""
    return decoded("user", user_id)


async def item_of(item_id: FromPath[str]) -> str:
    """The item that a path names: a dependency of handlers below /v1/items/{item_id}."""
    return decoded("item", item_id)


#: For the app: handlers that have a parameter of these names get the id.
DEPENDENCIES: Final = {"user": user_of, "item": item_of}
