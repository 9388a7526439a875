"""Events by HTTP."""

import json

import httpx

from tests.harness.fakes import until
from tests.harness.web import LOCKED, Door

CLICK = {"type": "click", "user_id": "u1", "item_id": "red0"}


async def test_a_click_is_acknowledged_once_kafka_has_it(door: Door, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events", json=CLICK, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "event_ids": ["k-1"], "refused": []})
    (sent,) = door.kafka.to("events.interactions")
    assert (sent.key, json.loads(sent.value or b"")["event_id"]) == (b"u1", "k-1")


async def test_an_answer_before_kafkas_is_202_and_the_event_arrives(door: Door, client: httpx.AsyncClient) -> None:
    door.kafka.back.clear()
    answer = await client.post("/v1/events", json=CLICK, headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["accepted"], door.kafka.messages) == (202, 1, [])
    door.kafka.back.set()
    await until(lambda: len(door.kafka.messages) == 1)


async def test_without_kafka_the_answer_is_503_with_the_ids_to_send_again(
    door: Door, client: httpx.AsyncClient
) -> None:
    door.kafka.back.clear()
    answer = await client.post("/v1/events", json=CLICK, headers={"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["event_ids"]) == (503, "2", ["k-1"])
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_of_lines_each_is_accepted_or_refused_for_itself(door: Door, client: httpx.AsyncClient) -> None:
    lines = "\n".join(json.dumps(each) for each in (CLICK, CLICK | {"type": "klick"}, CLICK))
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "k"}
    answer = await client.post("/v1/events", content=lines, headers=headers)
    said = answer.json()
    assert (answer.status_code, said["event_ids"], said["refused"][0]["reason"]) == (
        200,
        ["k-0", "k-2"],
        "unknown_type",
    )
    assert len(door.kafka.messages) == 2


async def test_nothing_is_published_of_one_that_is_refused(door: Door, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/events", json=CLICK | {"type": "<script>"})
    assert (answer.status_code, answer.json()["reason"], door.kafka.messages) == (422, "unknown_type", [])
    too_large = await client.post("/v1/events", json=CLICK | {"text": "x" * 70_000})
    assert too_large.status_code == 413
    assert (await client.post("/v1/events", content=b"a=1")).status_code == 415
    assert (await client.post("/v1/events", json=[])).json() == {"accepted": 0, "event_ids": [], "refused": []}


async def test_a_users_token_is_good_for_events_of_that_user_alone() -> None:
    door = Door(**LOCKED)
    async with door.client(headers=door.token("u1")) as client:
        assert (await client.post("/v1/events", json=CLICK)).status_code == 200
        other = await client.post("/v1/events", json=CLICK | {"user_id": "u2"})
        assert (other.status_code, other.json()["reason"]) == (403, "not_your_event")
        both = await client.post("/v1/events", json=[CLICK | {"user_id": "u2"}, CLICK])
        assert (both.json()["accepted"], both.json()["refused"][0]["index"]) == (1, 0)
        assert (await client.patch("/v1/items/i1", json={"price": 1})).status_code == 403
    assert {message.key for message in door.kafka.messages} == {b"u1"}
