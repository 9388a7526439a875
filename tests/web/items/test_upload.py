"""Uploads by HTTP, and what becomes of them."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from features.item import Item
from sightline_client.events import IMAGE_LIMIT, Upload
from sightline_client.routing import partition_of
from streams.pictures.incoming import Incoming
from streams.uploads.object_store import Objects
from streams.wire.events import DeadLetter
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.harness.catalog import item as catalog_item
from tests.harness.fakes import NOON
from tests.harness.inlets import PARTITIONS
from tests.harness.kept import put_items
from tests.harness.uploads import shirt
from tests.harness.web import LOCKED, Door
from web.items.stages import AwaitedUpload, follow
from web.tail.letters import letter_of

PNG = {"Content-Type": "image/png"}
PATH = "/v1/items/i1/picture"


def sent(door: Door) -> Upload:
    """The one upload that was published."""
    (message,) = door.kafka.to("events.uploads")
    return msgspec.json.decode(message.value or b"", type=Upload)


async def test_a_raw_picture_travels_within_its_event(door: Door, client: httpx.AsyncClient) -> None:
    query = {"user_id": "ann", "title": "Rote Hose ü", "price": "9.50", "currency": "EUR"}
    answer = await client.put(PATH, params=query, content=shirt(), headers=PNG | {"Idempotency-Key": "n-1"})
    assert answer.status_code == 202
    assert answer.json() == {
        "item_id": "i1",
        "event_id": "n-1",
        "stages": f"/v1/items/i1/stages?event_id=n-1&at={partition_of(b'i1', PARTITIONS)}-0&since={NOON}",
    }
    made = sent(door)
    assert (made.image, made.title, made.price, made.user_id) == (shirt(), "Rote Hose ü", 9.5, "ann")


async def test_a_form_has_the_picture_and_the_fields(door: Door, client: httpx.AsyncClient) -> None:
    answer = await client.put(
        PATH, files={"picture": ("a.png", shirt(), "image/png")}, data={"user_id": "ann", "category": "shirts"}
    )
    assert (answer.status_code, sent(door).category, sent(door).image) == (202, "shirts", shirt())


async def test_a_clip_is_known_by_its_bytes(door: Door, client: httpx.AsyncClient) -> None:
    mp4 = b"\x00\x00\x00\x18ftypmp42" + bytes(60)
    assert (await client.put(PATH, params={"user_id": "a"}, content=mp4, headers=PNG)).status_code == 202
    assert (sent(door).video, sent(door).image) == (mp4, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just text", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "format"),
        (b"<?xml version='1.0'?><svg/>", "not_an_image"),
    ],
)
async def test_what_is_no_picture_is_refused_at_once(
    door: Door, client: httpx.AsyncClient, content: bytes, reason: str
) -> None:
    answer = await client.put(PATH, params={"user_id": "ann"}, content=content, headers=PNG)
    assert (answer.status_code, answer.json()["reason"], door.kafka.messages) == (422, reason, [])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "user_id"),
        ({"user_id": "a", "price": "cheap"}, "price"),
        ({"user_id": "a", "price": "NaN"}, "price"),
        ({"user_id": "a", "price": "-1"}, "price"),
        ({"user_id": "a", "currency": "euro"}, "currency"),
        ({"user_id": "a" * 200}, "user_id"),
    ],
)
async def test_fields_that_cannot_be_used_are_named(
    door: Door, client: httpx.AsyncClient, query: dict[str, str], said: str
) -> None:
    answer = await client.put(PATH, params=query, content=shirt(), headers=PNG)
    assert (answer.status_code, said in answer.json()["detail"], door.kafka.messages) == (422, True, [])


async def test_half_a_character_is_refused(client: httpx.AsyncClient) -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="title"\r\n'
        b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800\r\n"
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
    )
    body, headers = form + shirt() + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await client.put(PATH, params={"user_id": "a"}, content=body, headers=headers)
    assert (answer.status_code, "`title`" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b'--x\r\nContent-Disposition: form-data; name="picture"\r\n\r\nabc\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n\xff\xfe\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=no\r\n\r\na\r\n--x--',
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    for media_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = await client.put(PATH, content=body, headers={"Content-Type": media_type})
        assert answer.status_code in (400, 422)


async def test_without_a_store_a_larger_file_is_refused_with_what_to_do(door: Door, client: httpx.AsyncClient) -> None:
    large = shirt() + bytes(IMAGE_LIMIT)
    for options in ({"content": large, "headers": PNG}, {"files": {"picture": ("a.png", large, "image/png")}}):
        answer = await client.put(PATH, params={"user_id": "ann"}, **options)
        assert (answer.status_code, "SIGHTLINE_OBJECT_STORE" in answer.json()["remedy"]) == (413, True)
    assert door.kafka.messages == []


async def test_with_a_store_a_larger_file_goes_there_and_the_event_has_its_key(tmp_path: Path) -> None:
    door = Door(incoming=Incoming(tmp_path.as_uri(), Namespace("shop.")))
    large = shirt() + bytes(IMAGE_LIMIT)
    async with door.client() as client:
        answer = await client.put(PATH, params={"user_id": "ann"}, content=large, headers=PNG)
    assert answer.status_code == 202
    key = sent(door).image_ref
    assert key is not None
    assert key.startswith("shop.incoming/")
    assert await Objects(tmp_path.as_uri()).read(key) == large


async def test_a_user_uploads_as_owner_and_takes_over_no_item() -> None:
    door = Door(**LOCKED)
    await put_items(
        door.parts.signals, Item("hers", 5, owner="ann"), Item("his", 5, owner="bob"), Item("shops", 5, price=1.0)
    )
    async with door.client(headers=door.token("ann") | PNG) as client:
        for name, status in {"hers": 202, "new": 202, "his": 403, "shops": 403}.items():
            answer = await client.put(f"/v1/items/{name}/picture", params={"user_id": "bob"}, content=shirt())
            assert answer.status_code == status, name
    made = [msgspec.json.decode(message.value or b"", type=Upload) for message in door.kafka.messages]
    assert [(each.item_id, each.user_id) for each in made] == [("hers", "ann"), ("new", "ann")]
    assert all(each.as_owner for each in made)


async def stages_of(door: Door, upload: AwaitedUpload) -> list[tuple[str, dict[str, Any]]]:
    """All stages, once the last one was told."""
    async with asyncio.timeout(10):
        parts = [part async for part in follow(door.parts, upload, clock_ms=lambda: NOON + 70)]
    lines = [part.decode().split("\n") for part in parts]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data, *_ in lines]


async def test_an_upload_is_searchable_once_the_catalogue_has_its_picture(door: Door) -> None:
    following = asyncio.create_task(stages_of(door, AwaitedUpload("i1", "n-1", "0-0", NOON)))
    await asyncio.sleep(0.05)
    assert not following.done()
    red = catalog_item("red-1")
    door.parts.catalog.apply([("i1", replace(red, item_id="i1", uploaded_at_ms=NOON - 1))])
    await asyncio.sleep(0.05)
    assert not following.done()
    door.parts.catalog.apply([("i1", replace(red, item_id="i1", uploaded_at_ms=NOON))])
    assert await following == [("accepted", {}), ("searchable", {"ms": 70})]


def letter(offset: int = 0, event_id: str = "n-1") -> DeadLetter:
    value = json.dumps({"event_id": event_id}).encode()
    return DeadLetter(
        reason="bad_image", error="it is <text>", topic="events.uploads", partition=0, offset=offset,
        timestamp_ms=NOON, attempts=1, key=b"i1", value=value, headers=[],
    )  # fmt: skip


async def test_an_upload_that_is_refused_is_told_with_the_reason_of_its_dead_letter(door: Door) -> None:
    door.tail.letters.put("i1", letter_of(letter(offset=7, event_id="other")))
    uploads = [AwaitedUpload("i1", "n-1", place, NOON) for place in ("0-0", None)]
    following = [asyncio.create_task(stages_of(door, upload)) for upload in uploads]
    await asyncio.sleep(0.05)
    assert not any(each.done() for each in following)
    door.tail.letters.put("i1", letter_of(letter()))
    for each in following:
        assert await each == [("accepted", {}), ("refused", {"reason": "bad_image", "error": "it is <text>"})]


async def test_who_uploads_to_an_item_that_another_took_meanwhile_is_told_so(door: Door) -> None:
    headers = [("sightline-upload", b"0-7-9")]
    signal = msgspec.structs.replace(letter(offset=99), topic="state.signals", value=b"\x81", headers=headers)
    full = msgspec.structs.replace(signal, reason="not_owner")
    door.tail.letters.put("i1", letter_of(full))
    stages = await stages_of(door, AwaitedUpload("i1", "n-1", "0-7", NOON))
    assert stages == [("accepted", {}), ("refused", {"reason": "not_owner", "error": "it is <text>"})]


async def test_an_item_that_was_deleted_or_is_held_is_told_so(door: Door) -> None:
    await put_items(door.parts.signals, Item("i1", 5, deleted=True))
    assert (await stages_of(door, AwaitedUpload("i1", "n-1", "0-0", NOON)))[-1][1]["reason"] == "deleted"
    held = replace(catalog_item("red-1"), item_id="i2", uploaded_at_ms=NOON, held=("blur",))
    await put_items(door.parts.signals, held)
    door.parts.catalog.apply([("i2", held)])
    assert (await stages_of(door, AwaitedUpload("i2", "n-1", "0-1", NOON)))[-1][1]["reason"] == "held"


@pytest.mark.parametrize("query", ["", "?event_id=", "?event_id=a&at=x", "?event_id=a&since=-1"])
async def test_stages_of_nothing_in_particular_are_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/v1/items/i1/stages{query}")).status_code == 400


def test_of_a_dead_letter_its_message_is_not_kept(door: Door) -> None:
    value = json.dumps({"event_id": "n-1", "image": "A" * 100_000}).encode()
    full = msgspec.structs.replace(letter(), value=value, headers=[("x", value)])
    door.tail.read_letters([Record("dead-letters", 0, 0, NOON, b"i1", msgspec.json.encode(full))])
    kept = door.tail.letters.get("i1")
    assert kept is not None
    assert kept.event_id == "n-1"
    assert len(msgspec.json.encode(kept)) < 1000
