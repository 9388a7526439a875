import json
from typing import Any

import pytest

from sightline_client.events import Interaction
from streams.wire.cloud_events import CloudInteraction
from tests.harness.fakes import NOON
from web.events.bodies import EVENTS_LIMIT, Events, divide, read_events
from web.problems import Problem
from web.publishing.asked import Asked

BARE: dict[str, Any] = {"type": "click", "user_id": "u1", "item_id": "i9"}
CLOUD = {"specversion": "1.0", "id": "ce-1", "source": "/shop", "type": "shop.click", "data": BARE}
JSON = (("content-type", b"application/json"),)
LINES = (("content-type", b"application/x-ndjson"),)


async def read(body: Any, headers: Any = JSON, key: str | None = "k", user: str | None = None) -> Events:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await read_events(divide(data, headers), Asked(key, later=False), NOON, user)


async def test_an_event_without_id_and_time_gets_the_key_and_now() -> None:
    found = await read(BARE)
    assert found.accepted == [Interaction(event_id="k", occurred_at_ms=NOON, **BARE)]
    nulls = await read(BARE | {"event_id": None, "occurred_at_ms": None})
    assert nulls.accepted == found.accepted


async def test_its_own_id_and_time_stay() -> None:
    (event,) = (await read(BARE | {"event_id": "c-7", "occurred_at_ms": NOON - 5})).accepted
    assert (event.event_id, event.occurred_at_ms) == ("c-7", NOON - 5)


async def test_a_refused_line_refuses_itself_alone() -> None:
    good, odd = json.dumps(BARE).encode(), json.dumps(BARE | {"type": "klick"}).encode()
    found = await read(b"\xef\xbb\xbf" + good + b"\r\n\n{junk\n" + odd + b"\n" + good, LINES)
    assert [event.event_id for event in found.accepted] == ["k-0", "k-3"]
    assert [(each.index, each.reason) for each in found.refused] == [(1, "bad_json"), (2, "unknown_type")]


async def test_an_array_is_a_list_and_an_empty_one_has_none() -> None:
    found = await read([BARE, 7, CLOUD])
    assert ([event.event_id for event in found.accepted], found.refused[0].index) == (["k-0", "ce-1"], 1)
    assert await read([]) == await read(b"", LINES) == Events()


async def test_cloud_events_are_read_in_every_mode_with_their_source() -> None:
    structured = await read(CLOUD, (("content-type", b"application/cloudevents+json; charset=utf-8"),))
    batch = await read([CLOUD], (("content-type", b"application/cloudevents-batch+json"),))
    headers = {"specversion": "1.0", "id": "ce-1", "source": "/shop", "type": "shop.click"}
    binary = await read(BARE, (*JSON, *((f"ce-{name}", value.encode()) for name, value in headers.items())))
    expected = CloudInteraction(event_id="ce-1", source="/shop", occurred_at_ms=NOON, **BARE)
    assert structured.accepted == batch.accepted == binary.accepted == [expected]


async def test_headers_of_a_cloud_event_are_decoded() -> None:
    headers = (*JSON, ("ce-specversion", b"1.0"), ("ce-id", b"%E4%BD%A0 %25"), ("ce-source", b"/"))
    assert (await read(BARE, headers)).accepted[0].event_id == "你 %"


async def test_the_event_of_another_user_than_the_tokens_is_refused() -> None:
    found = await read([BARE, BARE | {"user_id": "u2"}], user="u1")
    assert ([event.user_id for event in found.accepted], found.refused[0].reason) == (["u1"], "not_your_event")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "bad_json"),
        (b"\xff", "bad_json"),
        (b"[" * 100_000, "too_large"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "bad_json"),
        (BARE | {"user_id": ""}, "invalid_event"),
        (BARE | {"item_id": "x" * 200}, "invalid_event"),
        (BARE | {"occurred_at_ms": 1_767_268_800}, "invalid_event"),
        (BARE | {"text": "x" * 70_000}, "too_large"),
    ],
)
async def test_what_is_no_event_is_refused_with_its_reason(body: Any, reason: str) -> None:
    found = await read(body, (("content-type", b"application/cloudevents+json"),) if body == b"[" * 100_000 else JSON)
    assert ([each.reason for each in found.refused], found.accepted) == ([reason], [])


@pytest.mark.parametrize("media_type", [b"", b"text/plain", b"application/x-www-form-urlencoded", b"application/xml"])
def test_a_body_of_another_type_is_not_read(media_type: bytes) -> None:
    with pytest.raises(Problem) as refused:
        divide(b"{}", (("content-type", media_type),))
    assert (refused.value.status, "application/json" in refused.value.more["remedy"]) == (415, True)


@pytest.mark.parametrize("body", [b"[", b"[1,", b"[" * 50_000, b"[\xff]"])
def test_a_list_that_is_none_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        divide(body, JSON)
    assert refused.value.status == 422


def test_too_many_events_at_a_time_are_refused() -> None:
    with pytest.raises(Problem) as refused:
        divide(b"{}\n" * (EVENTS_LIMIT + 1), LINES)
    assert refused.value.status == 413
