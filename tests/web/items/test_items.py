"""Items by HTTP: facts, changes, deletion."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from features.item import Item
from features.vision.kept_picture import KeptPicture, full_key, preview_key
from state.errors import StateUnavailable
from tests.harness.fakes import until
from tests.harness.kept import put_items
from tests.harness.web import LOCKED, Door

HASH = "ab" * 32
PICTURE = KeptPicture(full_key("pictures", HASH), preview_key("pictures", HASH), 600, 400, 9000)
SHIRT = Item(
    "red0",
    5,
    owner="ann",
    uploaded_at_ms=5,
    title="<b>Shirt</b>",
    price=9.5,
    currency="EUR",
    tags=(("gown", 0.9),),
    colours=(("red", 0.41234),),
    attributes={"brand": "x"},
    kept_picture=PICTURE,
)


async def test_an_id_that_is_too_long_is_refused_in_plain_words(client: httpx.AsyncClient) -> None:
    refused = await client.get(f"/v1/items/{'x' * 129}")
    assert refused.status_code == 400
    assert refused.json()["detail"] == "the id of the item in the path must be a text of at most 128 characters"


async def test_an_item_is_told_without_its_owner(door: Door, client: httpx.AsyncClient) -> None:
    await put_items(door.parts.signals, SHIRT)
    said = (await client.get("/v1/items/red0")).json()
    assert "ann" not in json.dumps(said)
    assert (said["title"], said["price"], said["searchable"]) == ("<b>Shirt</b>", 9.5, True)
    assert (said["tags"], said["colours"]) == ([{"name": "dress", "chinese": "连衣裙"}], [["red", 0.412]])
    assert said["picture"] == {
        "url": f"/v1/items/red0/picture?size=full&v={HASH[:16]}",
        "preview_url": f"/v1/items/red0/picture?size=preview&v={HASH[:16]}",
        "width": 600,
        "height": 400,
    }


@pytest.mark.parametrize("changes", [{"hidden": True}, {"deleted": True}, {"held": ("blur",)}])
async def test_a_picture_that_must_not_be_seen_has_no_address(
    door: Door, client: httpx.AsyncClient, changes: dict[str, object]
) -> None:
    await put_items(door.parts.signals, replace(SHIRT, **changes))  # type: ignore[arg-type]
    assert (await client.get("/v1/items/red0")).json()["picture"] is None


@pytest.mark.parametrize("changes", [{"hidden": True}, {"deleted": True}, {"held": ("blur",)}, {}])
async def test_what_was_taken_from_sight_is_known_to_keys_and_to_its_owner_alone(changes: dict[str, Any]) -> None:
    door = Door(**LOCKED)
    await put_items(door.parts.signals, replace(SHIRT, **changes))
    shop = {"authorization": "Bearer sightline_key-of-a-shop"}
    for headers, knows in ((shop, True), (door.token("ann"), True), (door.token("bob"), not changes)):
        async with door.client(headers=headers) as client:
            assert (await client.get("/v1/items/red0")).status_code == (200 if knows else 404)
            found = (await client.get("/v1/items", params={"ids": ["red0"]})).json()["items"]
            assert [*found] == (["red0"] if knows else [])


async def test_ids_are_any_text_and_unknown_ones_are_left_out(door: Door, client: httpx.AsyncClient) -> None:
    odd = "a/b%2F ü<script>"
    await put_items(door.parts.signals, replace(SHIRT, item_id=odd))
    found = (await client.get("/v1/items", params={"ids": [odd, "nowhere"]})).json()["items"]
    assert [*found] == [odd]
    address = found[odd]["picture"]["url"].partition("/picture")[0]
    assert (found[odd]["searchable"], (await client.get(address)).json()["item_id"]) == (False, odd)


async def test_an_unknown_item_is_404_and_too_many_at_once_are_refused(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/v1/items/nowhere")
    assert (unknown.status_code, "'nowhere'" in unknown.json()["detail"]) == (404, True)
    assert (await client.get("/v1/items", params={"ids": ["i"] * 201})).status_code == 400
    assert (await client.get("/v1/items")).status_code == 400


async def test_while_redis_is_away_the_answer_is_503(door: Door, client: httpx.AsyncClient) -> None:
    async def away(*_: object) -> None:
        raise StateUnavailable("nobody there")

    door.parts.signals._store.load = away  # type: ignore[method-assign,assignment]
    answer = await client.get("/v1/items/red0")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_change_says_what_the_body_says_and_null_takes_away(door: Door, client: httpx.AsyncClient) -> None:
    answer = await client.patch("/v1/items/a%2Fb", json={"price": 5, "title": None}, headers={"Idempotency-Key": "p-1"})
    assert (answer.status_code, answer.json()) == (200, {"event_id": "p-1"})
    (sent,) = door.kafka.to("events.items")
    said = json.loads(sent.value or b"")
    assert (sent.key, said.pop("occurred_at_ms") > 0) == (b"a/b", True)
    assert said == {"event_id": "p-1", "item_id": "a/b", "price": 5.0, "title": None}


async def test_a_deletion_is_a_change(door: Door, client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1/items/red0", headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    await until(lambda: len(door.kafka.messages) == 1)
    (sent,) = door.kafka.to("events.items")
    assert json.loads(sent.value or b"")["deleted"] is True


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "bad_json"),
        (b"[]", "invalid_event"),
        (b"{}", "unknown_field"),
        (b'{"prise":5}', "unknown_field"),
        (b'{"hidden":null}', "empty"),
        (b'{"price":-1}', "invalid_event"),
        (b'{"item_id":"other","price":1}', "key_mismatch"),
    ],
)
async def test_a_change_that_cannot_be_used_is_refused(
    door: Door, client: httpx.AsyncClient, body: bytes, reason: str
) -> None:
    answer = await client.patch("/v1/items/red0", content=body)
    assert (answer.status_code, answer.json()["reason"], door.kafka.messages) == (422, reason, [])
