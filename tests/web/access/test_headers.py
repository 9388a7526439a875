from litestar.types import HTTPScope, Receive, Send

from tests.web.access.asking import Inside, ask, scope_of
from web.access.headers import SecurityHeaders


async def test_each_answer_tells_browsers_what_not_to_do() -> None:
    headers = (await ask(SecurityHeaders(Inside()), scope_of())).headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["connect-src"], policy["style-src"]) == ("'self'", "'self'", "'self'")
    assert policy["img-src"] == "'self' blob: data:"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "text/plain"


async def test_what_a_handler_says_of_caching_stays() -> None:
    async def picture(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Cache-Control", b"immutable")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    answer = await ask(SecurityHeaders(picture), scope_of())
    assert answer.headers["Cache-Control"] == "immutable"
    assert "cache-control" not in answer.headers
