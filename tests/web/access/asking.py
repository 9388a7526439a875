"""Requests to an ASGI app without a server, and small apps to stand behind the checks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from litestar.types import HTTPScope, Message, Receive, ReceiveMessage, Send

from streams.web_door.keys import KeyScope
from web.access.asgi import HttpApp
from web.access.caller import Admitted, Caller, keep
from web.access.matching import Routes

PATH = "/v1/users/ann/recommendations"


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = msgspec.json.decode(self.body)
        assert found["status"] == self.status
        return found


def scope_of(
    method: str = "GET", path: str = PATH, headers: Mapping[str, str] | None = None, client: str = "192.0.2.1"
) -> HTTPScope:
    raw_path, _, query = path.partition("?")
    return cast(
        HTTPScope,
        {
            "type": "http",
            "method": method,
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": (client, 50_000),
            "state": {},
        },
    )


def body_of(*parts: bytes, pause_s: float = 0.0) -> Receive:
    """The messages of a body in parts, with a pause before each; then the client stays and sends nothing."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> ReceiveMessage:
        await asyncio.sleep(pause_s if left else 3600)
        return cast(ReceiveMessage, left.pop(0))

    return receive


async def ask(app: HttpApp, scope: HTTPScope, receive: Receive | None = None) -> Answer:
    """Send a request to an app, and wait for the whole answer."""
    answer = Answer()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert answer.status == 0, "a second answer"
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.body += message["body"]

    await app(scope, receive or body_of(), send)
    return answer


class Inside:
    """An app that reads the body and answers 200 with its size; keeps the scopes of the requests that reach it."""

    def __init__(self) -> None:
        self.scopes: list[HTTPScope] = []

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        size, more = 0, True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            size, more = size + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": str(size).encode(), "more_body": False})


def caller(name: str = "feed", *scopes: KeyScope, user: str | None = None, until_s: float | None = None) -> Caller:
    return Caller(name, name, frozenset(scopes), user, until_s)


def let_in(scope: HTTPScope, who: Caller) -> HTTPScope:
    """The scope as the admission leaves it."""
    keep(scope, Admitted(Routes().match(scope["method"], scope["raw_path"]), who))
    return scope


def statuses(answers: Sequence[Answer]) -> list[int]:
    return [answer.status for answer in answers]
