"""Users by HTTP: profile, explanation, requests, receipts."""

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from features.item import hash_of
from sightline_client.privacy import Export, PlaceInLog, Receipt, RequestKind
from state.errors import StateUnavailable
from streams.privacy.export_parts import part_key
from streams.wire.events import encode
from tests.harness.fakes import NOON
from tests.harness.interactions import LENGTH
from tests.harness.web import Door


async def test_a_profile_is_told_in_words(door: Door, client: httpx.AsyncClient) -> None:
    await door.clicks("red0", "blue0")
    said = (await client.get("/v1/users/u1")).json()
    assert (said["user_id"], said["known"], said["opted_out"], said["interactions"]) == ("u1", True, False, 2)
    assert [each["item_id"] for each in said["engaged"]] == ["blue0", "red0"]
    assert said["interests"][0].keys() == {"share", "item_id", "tags", "colours"}


async def test_of_an_unknown_user_there_is_an_empty_profile(client: httpx.AsyncClient) -> None:
    said = (await client.get("/v1/users/a%2Fb%20%C3%BC")).json()
    assert (said["user_id"], said["known"], said["interests"], said["last_at_ms"]) == ("a/b ü", False, [], None)


async def test_a_list_and_its_items_are_explained(door: Door, client: httpx.AsyncClient) -> None:
    await door.clicks("red0")
    said = (await client.get("/v1/users/u1/explain")).json()
    assert (said["user_id"], len(said["slots"]), said["item"]) == ("u1", LENGTH, None)
    first = said["slots"][0]["item"]["item_id"]
    for item_id, verdict in ((first, "in_list"), ("red0", "not_a_candidate"), ("<script>", "not_a_candidate")):
        found = (await client.get(f"/v1/users/u1/explain/{item_id}")).json()["item"]
        assert (found["item_id"], found["verdict"]) == (item_id, verdict)


async def test_while_redis_is_away_the_answer_is_503(door: Door, client: httpx.AsyncClient) -> None:
    async def away(*_: object) -> None:
        raise StateUnavailable("nobody there")

    door.parts.profiles._store.load = away  # type: ignore[method-assign,assignment]
    for path in ("/v1/users/u1", "/v1/users/u1/explain", "/v1/users/u1/explain/red0"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await client.post("/v1/users/u1/forget")).status_code == 202


async def test_while_kafka_is_away_a_request_is_503(door: Door, client: httpx.AsyncClient) -> None:
    door.kafka.back.clear()
    assert (await client.post("/v1/users/u1/forget")).status_code == 503


@pytest.mark.parametrize("kind", ["forget", "export", "reset", "opt-out", "opt-in"])
async def test_a_request_is_published_and_says_where_its_receipt_is(
    door: Door, client: httpx.AsyncClient, kind: str
) -> None:
    asked = await client.post(f"/v1/users/u1/{kind}")
    assert asked.status_code == 202
    (sent,) = door.kafka.to("events.privacy")
    said = json.loads(sent.value or b"")
    assert (sent.key, said["type"], said["user_id"]) == (b"u1", kind.replace("-", "_"), "u1")
    assert asked.json()["receipt"] == f"/v1/users/u1/receipts/{asked.json()['request_id']}"


async def test_wishes_are_published(door: Door, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/users/u1/prefer", json={"prefer": {"shoes": -0.5}})
    assert answer.status_code == 202
    assert json.loads(door.kafka.messages[0].value or b"")["prefer"] == {"shoes": -0.5}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"prefer":{}}', b'{"prefer":{"shoes":2}}', b'{"prefer":{"":1}}'])
async def test_wishes_that_say_nothing_are_refused(door: Door, client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/users/u1/prefer", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code in (400, 422), door.kafka.messages) == (True, [])


def receipt(kind: RequestKind = "forget", user: str = "u1") -> Receipt:
    place = PlaceInLog(3, 17)
    return Receipt(
        user_hash=hash_of(user), type=kind, request=place, applied=PlaceInLog(3, 90), asked_ms=NOON, done_ms=NOON + 9,
        erased={"engaged": 2},
    )  # fmt: skip


def export(made_ms: int | None = None) -> Export:
    made_ms = made_ms or time.time_ns() // 1_000_000
    return Export(
        user_id="u1", request=PlaceInLog(3, 17), made_ms=made_ms, interactions=1, last_at_ms=NOON, opted_out=False,
        forgotten_ms=None, engaged=[], refused=[], seen=[], owned=[], remembered_events=0, dials={},
    )  # fmt: skip


async def test_a_receipt_is_404_before_and_then_there(door: Door, client: httpx.AsyncClient) -> None:
    path = "/v1/users/u1/receipts/3-17"
    assert (await client.get(path)).status_code == 404
    waiting = asyncio.create_task(client.get(path, params={"wait": 5}))
    await asyncio.sleep(0.02)
    door.tail.receipts.put(PlaceInLog(3, 17), receipt())
    for answer in (await waiting, await client.get(path)):
        assert (answer.status_code, answer.json()["erased"], "export" in answer.json()) == (200, {"engaged": 2}, False)


async def test_a_receipt_is_its_users_alone(door: Door, client: httpx.AsyncClient) -> None:
    door.tail.receipts.put(PlaceInLog(3, 17), receipt())
    assert (await client.get("/v1/users/u2/receipts/3-17")).status_code == 404


async def test_the_receipt_of_an_export_has_the_export(door: Door, client: httpx.AsyncClient) -> None:
    path = "/v1/users/u1/receipts/3-17"
    door.tail.receipts.put(PlaceInLog(3, 17), receipt("export"))
    assert (await client.get(path)).status_code == 404
    door.tail.exports.put(export())
    assert (await client.get(path)).json()["export"]["user_id"] == "u1"


async def test_an_export_is_gone_when_the_user_is_forgotten_and_after_a_day(
    door: Door, client: httpx.AsyncClient
) -> None:
    path, day_ms = "/v1/users/u1/receipts/3-17", 86_400_000
    door.tail.receipts.put(PlaceInLog(3, 17), receipt("export"))
    door.tail.read_exports([record(b"x", export())])
    door.tail.read_exports([record(part_key(hash_of(name), 1), None) for name in ("u2", "u3")])
    assert (await client.get(path)).status_code == 200
    door.tail.read_exports([record(part_key(hash_of("u1"), part), None) for part in (1, 2)])
    assert (await client.get(path)).status_code == 404
    door.tail.read_exports([record(b"x", export(time.time_ns() // 1_000_000 - day_ms))])
    assert (await client.get(path)).status_code == 404


def record(key: bytes, value: Export | None) -> Any:
    return SimpleNamespace(key=key, value=None if value is None else encode(value))


async def test_a_receipt_comes_as_an_event(door: Door, client: httpx.AsyncClient) -> None:
    door.tail.receipts.put(PlaceInLog(3, 17), receipt())
    answer = await client.get("/v1/users/u1/receipts/3-17", headers={"Accept": "text/event-stream"})
    name, data = answer.text.split("\n\n")[1].split("\n")
    assert (name, json.loads(data.removeprefix("data: "))["type"]) == ("event: receipt", "forget")


@pytest.mark.parametrize("path", ["3-17?wait=31", "3-17?wait=-1", "x", "3", "3-", "-1-2", "9999999-1"])
async def test_a_request_that_is_none_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/v1/users/u1/receipts/{path}")).status_code == 400


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 60_000, b'{"prefer": {"\xff": 1}}', b'{"prefer": {}}', b"null"])
async def test_wishes_that_cannot_be_read_are_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/users/u1/prefer", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
