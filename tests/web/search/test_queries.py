"""Queries out, answers back; a test plays the uploads worker."""

import asyncio
import base64
import time
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from features.words.item_words import LEAST_FIT
from sightline_client.events import Only
from sightline_client.lists import Reason, Recommendations, RecommendedItem, Region, Trigger
from streams.wire.events import Box, DeadLetter, Upload
from tests.harness.fakes import until
from tests.harness.web import Door
from web.search.queries import search
from web.tail.letters import letter_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SLOT = RecommendedItem(
    item_id="red1", score=0.9, source="visual", explore=False, reasons=[Reason(code="looks_like", similarity=0.9)]
)


def answer_to(query: Upload) -> Recommendations:
    return Recommendations(
        rec_id="similar-0-1",
        user_id=query.user_id,
        seq=1,
        kind="similar",
        generated_at_ms=int(time.time() * 1000),
        trigger=Trigger(event_id=query.event_id, type="query", item_id=query.item_id, occurred_at_ms=1),
        items=[SLOT],
        filtered={},
        degraded=[],
        model={"encoder": "e@1", "ranker": "similar@1"},
        timings_ms={"total": 3.0},
    )


async def asked(door: Door, number: int = 0) -> Upload:
    """The query that the door published, as the worker reads it."""
    await until(lambda: len(door.kafka.to("events.uploads")) > number)
    message = door.kafka.to("events.uploads")[number]
    query = msgspec.json.decode(message.value or b"", type=Upload)
    assert message.key == query.user_id.encode()
    return query


async def answered(door: Door, request: Any) -> tuple[Upload, httpx.Response]:
    task = asyncio.ensure_future(request)
    query = await asked(door)
    door.tail.answers.put(query.user_id, answer_to(query))
    return query, await task


async def test_words_are_asked_with_their_limits_and_answered(door: Door, client: httpx.AsyncClient) -> None:
    params: Any = {"q": "a red dress", "count": 3, "category": "dress", "max_price": 50, "exclude": ["i1", "i2"]}
    query, answer = await answered(door, client.get("/v1/search", params=params))
    assert (query.purpose, query.text, query.count) == ("query", "a red dress", 3)
    assert query.only is not None
    assert (query.only.category, query.only.max_price, query.only.exclude) == ("dress", 50.0, ("i1", "i2"))
    assert [item["item_id"] for item in answer.json()["items"]] == ["red1"]
    assert answer.json()["model"] == {"encoder": "e@1", "ranker": "similar@1"}


async def test_a_picture_is_asked_as_bytes_or_as_json(door: Door, client: httpx.AsyncClient) -> None:
    headers = {"content-type": "image/png"}
    query, answer = await answered(door, client.post("/v1/similar?count=2", content=PNG, headers=headers))
    assert (query.image, query.count, query.only, answer.status_code) == (PNG, 2, None, 200)

    box = {"x": 0.1, "y": 0.2, "width": 0.5, "height": 0.5}
    body = {"image": base64.b64encode(PNG).decode(), "text": "red", "box": box, "only": {"min_similarity": 0.5}}
    task = asyncio.ensure_future(client.post("/v1/similar", json=body))
    query = await asked(door, 1)
    door.tail.answers.put(query.user_id, answer_to(query))
    assert (await task).status_code == 200
    assert isinstance(query.box, Box)
    assert query.only is not None
    assert (query.image, query.text, query.box.width, query.only.min_similarity) == (PNG, "red", 0.5, 0.5)


async def test_a_box_that_cannot_be_looked_at_says_why_among_the_regions(door: Door, client: httpx.AsyncClient) -> None:
    boxes = [{"x": 0.0, "y": 0.0, "width": 0.5, "height": 1.0}, {"x": 0.5, "y": 0.5, "width": 0.001, "height": 0.5}]
    body = {"image": base64.b64encode(PNG).decode(), "boxes": boxes}
    task = asyncio.ensure_future(client.post("/v1/similar", json=body))
    query = await asked(door)
    assert query.boxes is not None
    regions = [Region(box=query.boxes[0], items=[SLOT]), Region(box=query.boxes[1], items=[], refused="box: too small")]
    door.tail.answers.put(query.user_id, replace(answer_to(query), regions=regions))
    answer = await task
    assert [region.get("refused") for region in answer.json()["regions"]] == [None, "box: too small"]
    assert [region["box"] for region in answer.json()["regions"]] == boxes


async def test_a_box_outside_of_the_picture_is_named_before_anybody_is_asked(client: httpx.AsyncClient) -> None:
    inside, outside = ({"x": x, "y": 0, "width": 0.5, "height": 1} for x in (0, 0.9))
    body = {"image": base64.b64encode(PNG).decode(), "boxes": [inside, outside]}
    answer = await client.post("/v1/similar", json=body)
    assert answer.status_code == 400
    assert "`boxes[1]`: a box lies within the picture" in answer.json()["detail"]


async def test_what_the_worker_refuses_is_said(door: Door, client: httpx.AsyncClient) -> None:
    task = asyncio.ensure_future(client.post("/v1/similar", content=b"text", headers={"content-type": "image/png"}))
    query = await asked(door)
    letter = DeadLetter(
        reason="bad_image",
        error="not a picture",
        topic="events.uploads",
        partition=0,
        offset=1,
        timestamp_ms=1,
        attempts=1,
        key=query.user_id.encode(),
        value=b"",
        headers=[],
    )
    door.tail.letters.put(query.user_id, letter_of(letter))
    answer = await task
    assert (answer.status_code, answer.json()["reason"], answer.json()["detail"]) == (422, "bad_image", "not a picture")


async def test_no_answer_says_who_is_away(
    door: Door, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.search.asking.ANSWER_S", 0.01)
    answer = await client.get("/v1/search", params={"q": "red"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "no uploads worker" in answer.json()["detail"]
    await until(lambda: door.tail.answers.waiting == door.tail.letters.waiting == 0)


async def test_queries_do_not_wait_without_limit(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.search.asking.WAITING_LIMIT", 0)
    assert (await client.get("/v1/search", params={"q": "red"})).status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"[]",
        b"{}",
        b'{"image":"?"}',
        b'{"nothing":1}',
        b'{"text":" "}',
        b'{"text":"a","count":0}',
        b"\xff",
    ],
)
async def test_a_query_that_cannot_be_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/similar", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "params", [{}, {"q": ""}, {"q": "a", "count": "0"}, {"q": "a" * 2000}, {"q": "a", "min_similarity": "2"}]
)
async def test_words_that_cannot_be_are_a_problem(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await client.get("/v1/search", params=params)).status_code == 400


@pytest.mark.parametrize("told", [Only.__doc__, search.fn.__doc__])
def test_what_apps_are_told_of_the_least_similarity_is_what_it_is(told: str | None) -> None:
    assert f"{LEAST_FIT:g}" in (told or "")
