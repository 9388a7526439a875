"""All checks together, before the app as it is."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streams.web_door.keys import WebKey, key_hash
from tests.harness.web import Door
from web.access.rules import RULES
from web.app import make_routes

KEY = "sightline_key-of-the-feed-service"
SETTINGS: dict[str, Any] = {
    "web_keys": WebKey("feed", frozenset({"read"}), key_hash(KEY)).entry(),
    "web_host": "0.0.0.0",
    "web_token_key": "t" * 32,
    "web_origins": "https://shop.example",
}
WITH_KEY = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
async def locked() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a door with keys."""
    async with Door(**SETTINGS).client() as client:
        yield client


def test_every_route_of_the_app_has_a_rule_and_every_rule_a_route() -> None:
    routes = {
        f"{method} {re.sub(':str}', '}', route.path)}"
        for route in make_routes(Door().parts).routes
        for method in route.methods
        if method != "OPTIONS"
    }
    # What Litestar answers to unknown names below /openapi.json; without a rule nobody gets there.
    assert routes - set(RULES) == {"GET /openapi.json/{path}", "GET /openapi.json/openapi.json"}
    assert set(RULES) - routes == set()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/users/ann/recommendations", 200),
        ("GET", "/v1/users/ann/recommendations?count=0", 400),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/trends", 405),
        ("HEAD", "/v1/users/ann/recommendations", 405),
        ("GET", "/v1/users/%ff/recommendations", 400),
        ("GET", "/healthz", 200),
    ],
)
async def test_every_answer_has_the_headers_for_browsers_and_every_refusal_says_why(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert method == "HEAD" or {"title", "status", "detail"} <= answer.json().keys()


async def test_without_keys_this_machine_may_do_everything_and_pages_of_others_nothing(
    client: httpx.AsyncClient,
) -> None:
    path = "/v1/users/ann/recommendations"
    assert (await client.get(path)).status_code == 200
    assert (await client.get(path, headers={"host": "evil.example"})).status_code == 421
    assert (await client.get(path, headers={"origin": "https://evil.example"})).status_code == 403
    assert (await client.get("/metrics")).status_code == 200


async def test_with_keys_it_takes_a_key_and_any_host_will_do(locked: httpx.AsyncClient) -> None:
    path = "/v1/users/ann/recommendations"
    assert (await locked.get(path)).status_code == 401
    assert (await locked.get(path, headers=WITH_KEY | {"host": "api.example"})).status_code == 200
    assert (await locked.get("/metrics", headers=WITH_KEY)).status_code == 403


async def test_a_server_gets_a_token_and_its_users_browser_acts_with_it(locked: httpx.AsyncClient) -> None:
    given = await locked.post("/v1/users/a%2Fb/token", headers=WITH_KEY)
    assert given.status_code == 200
    assert given.headers["cache-control"] == "no-store"
    as_user = {"authorization": f"Bearer {given.json()['token']}", "origin": "https://shop.example"}
    listed = await locked.get("/v1/users/a%2Fb/recommendations", headers=as_user)
    assert (listed.status_code, listed.json()["user_id"]) == (200, "a/b")
    assert listed.headers["access-control-allow-origin"] == "https://shop.example"
    assert (await locked.get("/v1/users/a/recommendations", headers=as_user)).status_code == 403
    assert (await locked.post("/v1/users/a%2Fb/token", headers=as_user)).status_code == 403
    assert (await locked.post("/v1/users/a%2Fb/token")).status_code == 401


async def test_a_browser_sends_the_events_of_its_own_user_alone(locked: httpx.AsyncClient) -> None:
    token = (await locked.post("/v1/users/ann/token", headers=WITH_KEY)).json()["token"]
    as_ann = {"authorization": f"Bearer {token}"}
    own, other = ({"user_id": user, "item_id": "thing-1", "type": "click"} for user in ("ann", "bob"))
    assert (await locked.post("/v1/events", json=own, headers=as_ann)).status_code == 200
    refused = await locked.post("/v1/events", json=other, headers=as_ann)
    assert (refused.status_code, refused.json()["title"]) == (403, "The event is another user's")
    both = await locked.post("/v1/events", json=[own, other], headers=as_ann)
    assert (both.json()["accepted"], both.json()["refused"][0]["reason"]) == (1, "not_your_event")
    assert (await locked.post("/v1/events", json=own, headers=WITH_KEY)).status_code == 403


async def test_where_no_tokens_are_signed_the_answer_says_what_to_set(client: httpx.AsyncClient) -> None:
    refused = await client.post("/v1/users/ann/token")
    assert (refused.status_code, refused.json()["remedy"]) == (
        404,
        "set SIGHTLINE_WEB_TOKEN_KEY and SIGHTLINE_WEB_KEYS",
    )


@pytest.mark.parametrize(("size", "status"), [(12_000_000, 422), (21_000_000, 413)])
async def test_a_picture_may_be_as_large_as_the_gate_takes_it(
    client: httpx.AsyncClient, size: int, status: int
) -> None:
    headers = {"content-type": "image/jpeg"}
    assert (await client.post("/v1/similar", content=b"x" * size, headers=headers)).status_code == status


async def test_a_refused_preflight_and_a_request_too_many_have_all_headers_too() -> None:
    async with Door(**SETTINGS, web_rate=0.1).client() as client:
        asked = {"origin": "https://evil.example", "access-control-request-method": "GET"}
        assert (await client.options("/v1/trends", headers=asked)).headers["vary"] == "Origin"
        await client.get("/healthz")
        refused = await client.get("/healthz", headers={"origin": "https://shop.example"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "10"
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert refused.headers["access-control-allow-origin"] == "https://shop.example"
