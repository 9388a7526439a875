"""Compares what an app answers with docs/openapi.json, so that no fake of the API says what the API never does."""

import json
import re
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tests.harness.paths import ROOT

_DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "docs" / "openapi.json").read_text())
#: The documented paths, those with most fixed parts first: `…/forget` before `…/{item_id}`.
_PATHS: Final = sorted(_DOCUMENT["paths"], key=lambda path: path.count("{"))


class Documented:
    """An app around another one; `unlike` says of each JSON answer below /v1 how it is unlike the document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.unlike: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        method, status, media_type, body = scope["method"], 0, "", b""

        async def seen(message: Message) -> None:
            nonlocal status, media_type, body
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {bytes(name).lower(): bytes(value) for name, value in message["headers"]}
                media_type = headers.get(b"content-type", b"").decode().partition(";")[0]
            elif message["type"] == "http.response.body" and media_type.endswith("json"):
                body += message["body"]
            await send(message)

        await self._app(scope, receive, seen)
        if media_type.endswith("json"):
            answers = _answers(method, scope["path"])
            where = f"{method} {scope['path']}: {status}"
            self.unlike += [f"{where}: {each}" for each in _unlike(answers, status, media_type, json.loads(body))]


def _answers(method: str, address: str) -> dict[str, Any]:
    path = next((each for each in _PATHS if _pattern(each).fullmatch(address)), None)
    found: dict[str, Any] = _DOCUMENT["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
    return found


def _unlike(answers: dict[str, Any], status: int, media_type: str, answer: Any) -> list[str]:
    content = answers.get(str(status), answers.get("default", {})).get("content", {})
    if media_type not in content:
        return [f"no such answer is documented, of {media_type}"]
    errors = _validator(json.dumps(content[media_type]["schema"])).iter_errors(answer)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message:.300}" for error in errors]


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema) | {"components": _DOCUMENT["components"]})
