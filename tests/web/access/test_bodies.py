import asyncio

import pytest
from litestar.types import HTTPScope, Message, Receive, ReceiveMessage, Send

from tests.web.access.asking import Answer, Inside, ask, body_of, caller, let_in, scope_of, statuses
from web.access.bodies import Bodies
from web.access.rules import RULES, Body

EVENTS = "/v1/events"
MIB = 1 << 20


@pytest.mark.parametrize(
    ("media_type", "limit"),
    [
        ("application/json", MIB),
        ("", MIB),
        ("application/cloudevents+json", MIB),
        ("application/x-ndjson; charset=utf-8", 16 * MIB),
        (" Application/CloudEvents-Batch+JSON", 16 * MIB),
    ],
)
async def test_events_have_a_limit_by_what_they_are(media_type: str, limit: int) -> None:
    bodies = Bodies(Inside())
    for size, status in ((limit, 200), (limit + 1, 413)):
        headers = {"content-type": media_type, "content-length": str(size)}
        scope = let_in(scope_of("POST", EVENTS, headers), caller())
        assert (await ask(bodies, scope, body_of(b"x" * size))).status == status


@pytest.mark.parametrize(
    ("route", "media_type", "limit"),
    [
        ("PUT /v1/items/{item_id}/picture", "image/jpeg", 20_065_536),
        ("PUT /v1/items/{item_id}/picture", "video/mp4", 50_065_536),
        ("PUT /v1/items/{item_id}/picture", "multipart/form-data; boundary=x", 50_065_536),
        ("POST /v1/similar", "application/json", 26_732_202),
        ("POST /v1/users/{user_id}/prefer", "application/json", 65_536),
        ("GET /v1/trends", "", 65_536),
    ],
)
def test_routes_have_the_limits_of_what_they_take(route: str, media_type: str, limit: int) -> None:
    assert RULES[route].body_of(media_type).limit == limit


@pytest.mark.parametrize("digits", [7, 16, 5000])
async def test_a_body_that_says_it_is_too_large_is_not_read(digits: int) -> None:
    inside = Inside()
    scope = let_in(scope_of("POST", EVENTS, {"content-length": "9" * digits}), caller())

    async def unread() -> ReceiveMessage:
        raise AssertionError("read")

    refused = await ask(Bodies(inside), scope, unread)
    assert refused.status == 413
    assert refused.problem["detail"] == "POST /v1/events takes 1,048,576 bytes of this Content-Type at most"
    assert inside.scopes == []


@pytest.mark.parametrize(
    "headers", [{"transfer-encoding": "chunked"}, {"content-length": "5"}, {"content-length": "x"}]
)
async def test_a_body_that_does_not_say_how_large_it_is_is_counted(headers: dict[str, str]) -> None:
    bodies = Bodies(Inside())
    parts = [b"x" * 65_536] * 16
    scope = let_in(scope_of("POST", EVENTS, headers), caller())
    assert (await ask(bodies, scope, body_of(*parts))).body == b"1048576"
    scope = let_in(scope_of("POST", EVENTS, headers), caller())
    assert (await ask(bodies, scope, body_of(*parts, b"x"))).status == 413
    assert bodies.held == 0


async def test_a_body_must_be_whole_in_time_however_steadily_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "POST /v1/events", type(RULES["POST /v1/events"])("publish", body=Body(1000, 0.3)))
    scope = let_in(scope_of("POST", EVENTS, {"transfer-encoding": "chunked"}), caller())
    bodies = Bodies(Inside())
    refused = await asyncio.wait_for(ask(bodies, scope, body_of(*[b"x"] * 100, pause_s=0.05)), 5)
    assert refused.status == 408
    assert "within 0.3 s" in refused.problem["detail"]
    assert bodies.held == 0


async def test_waiting_behind_a_whole_body_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "POST /v1/events", type(RULES["POST /v1/events"])("publish", body=Body(1000, 0.1)))
    waited = []

    async def waits(scope: HTTPScope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.request"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.5)
        waited.append(scope)

    scope = let_in(scope_of("POST", EVENTS, {"content-length": "1"}), caller())
    await ask(Bodies(waits), scope, body_of(b"x"))
    assert len(waited) == 1


async def test_all_bodies_together_have_a_limit_and_each_caller_a_part_of_it() -> None:
    bodies = Bodies(Inside(), held_limit=800)

    def upload(*names: str, user: str | None = None) -> "asyncio.Future[list[Answer]]":
        return asyncio.gather(
            *(
                ask(
                    bodies,
                    let_in(scope_of("POST", EVENTS, {"content-length": "100"}), caller(name, user=user)),
                    body_of(b"x" * 100, pause_s=0.05),
                )
                for name in names
            )
        )

    assert sorted(statuses(await upload(*["feed"] * 5))) == [200, 200, 200, 200, 503]
    assert sorted(statuses(await upload("ann", "ann", user="ann"))) == [200, 503]
    assert statuses(await upload(*"abcdefgh")) == [200] * 8
    assert sorted(statuses(await upload(*"abcdefghi"))) == [*[200] * 8, 503]
    assert bodies.held == 0


async def test_a_request_without_a_body_passes_with_nothing_around_it() -> None:
    seen: list[tuple[Receive, Send]] = []

    async def app(scope: HTTPScope, receive: Receive, send: Send) -> None:
        seen.append((receive, send))

    receive, scope = body_of(), let_in(scope_of(), caller())

    async def send(message: Message) -> None:
        """Takes nothing."""

    await Bodies(app)(scope, receive, send)
    assert seen == [(receive, send)]
