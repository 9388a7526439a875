"""What goes wrong, said as problem details (RFC 9457): what, which value, and what to do."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Send

from features.printable import printable
from sightline_client.faults import fault_in
from state.errors import StateUnavailable
from streams.logs import log
from streams.objects.errors import ObjectsUnavailable

MEDIA_TYPE: Final = "application/problem+json"
_TEXT_LIMIT: Final = 500


class Problem(Exception):
    """An answer that says why there is no other: `detail` says what, which value, and what to do.

    `more` are further members: `remedy`, `reason`, `event_ids`. The detail may quote strangers, and is shortened and
    made printable.
    """

    def __init__(
        self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, printable(detail)[:_TEXT_LIMIT]
        self.headers = dict(headers or {})
        self.more = more

    @classmethod
    def away(cls, service: str, detail: str, *, after_s: int = 1) -> "Problem":
        """A service is away for a while: the request may be sent again after some seconds."""
        return cls(503, f"{service} is away", detail, headers={"Retry-After": str(after_s)})

    def body(self) -> bytes:
        """The problem as JSON."""
        said = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        return msgspec.json.encode(said | self.more)


def response_of(problem: Problem) -> Response[bytes]:
    """The response that says a problem."""
    return Response(problem.body(), status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.headers)


async def send_problem(problem: Problem, scope: HTTPScope, send: Send) -> None:
    """Answer a request with a problem, from outside the app: for middleware."""
    body = problem.body()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    start: HTTPResponseStartEvent = {"type": "http.response.start", "status": problem.status, "headers": headers}
    await send(start)
    end: HTTPResponseBodyEvent = {
        "type": "http.response.body",
        "body": b"" if scope["method"] == "HEAD" else body,
        "more_body": False,
    }
    await send(end)


def on_problem(_: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    """Handle a Problem that a handler raised."""
    return response_of(problem)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Handle what Litestar refuses: an unknown path, a method, a value of a wrong type."""
    title = HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        detail = "; ".join(_said(request, each) for each in error.extra if isinstance(each, dict)) or detail
    return response_of(Problem(error.status_code, title, detail, headers=dict(error.headers or {})))


def on_state_away(_: Request[Any, Any, Any], error: StateUnavailable) -> Response[bytes]:
    """Handle that Redis does not answer, whatever was asked of it."""
    return response_of(Problem.away("Redis", f"what is stored cannot be read ({error}): send the request again"))


def on_objects_away(_: Request[Any, Any, Any], error: ObjectsUnavailable) -> Response[bytes]:
    """Handle that the store of files does not answer."""
    return response_of(Problem.away("The object store", f"{error}: send the request again"))


def _said(request: Request[Any, Any, Any], fault: Mapping[str, Any]) -> str:
    """A fault of one value with the value, where that is in the address."""
    key = fault.get("key")
    given = request.query_params.getall(key, []) if key and fault.get("source") == "query" else []
    said = fault_in(f"{fault.get('message')} - at `$.{key}`" if key else str(fault.get("message")), whole="the body")
    return said + (f"; it is {', '.join(map(repr, given))}" if given else "")


def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Handle what nobody expected: logged whole, and not shown."""
    log.error("request_failed", method=request.method, route=request.scope.get("path_template"), exc_info=error)
    return response_of(
        Problem(500, "A fault of Sightline", "the log of the web process says what happened, at this time: report it")
    )


#: For the app.
HANDLERS: Final[dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]]] = {
    Problem: on_problem,
    HTTPException: on_http_error,
    StateUnavailable: on_state_away,
    ObjectsUnavailable: on_objects_away,
    Exception: on_error,
}
