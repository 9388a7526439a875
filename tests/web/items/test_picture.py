"""Kept pictures by HTTP."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from features.item import Item
from tests.harness.kept import keep, put_items, store_in
from tests.harness.web import Door
from web.pictures.shown import ShownPictures


@pytest.fixture
async def door(tmp_path: Path) -> Door:
    store = store_in(tmp_path)
    door = Door(pictures=ShownPictures(store))
    await put_items(door.parts.signals, Item("red0", 5, uploaded_at_ms=5, kept_picture=await keep(store, "one")))
    return door


async def address(client: httpx.AsyncClient, size: str = "url") -> str:
    found: str = (await client.get("/v1/items/red0")).json()["picture"][size]
    return found


async def test_a_picture_comes_as_webp_and_may_be_kept_for_ever(client: httpx.AsyncClient) -> None:
    full = await client.get(await address(client), headers={"Accept": "image/webp,*/*;q=0.5"})
    assert (full.headers["content-type"], Image.open(BytesIO(full.content)).size) == ("image/webp", (400, 400))
    assert full.headers["cache-control"] == "private, max-age=31536000, immutable"
    preview = await client.get(await address(client, "preview_url"))
    assert Image.open(BytesIO(preview.content)).size == (320, 320)
    assert (full.headers["etag"] != preview.headers["etag"], full.headers["vary"]) == (True, "Accept")


async def test_a_client_without_webp_gets_jpeg(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await client.get(await address(client), headers={"Accept": "image/jpeg"})
        assert (answer.headers["content-type"], Image.open(BytesIO(answer.content)).format) == ("image/jpeg", "JPEG")


async def test_an_address_without_its_content_is_asked_again_each_time(client: httpx.AsyncClient) -> None:
    for query in ("", "?v=0123"):
        answer = await client.get(f"/v1/items/red0/picture{query}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")


async def test_what_the_client_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tag = (await client.get(await address(client))).headers["etag"]
    for known in (tag, f'"x", W/{tag}', "*"):
        answer = await client.get(await address(client), headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (await client.get(await address(client), headers={"If-None-Match": '"x"'})).status_code == 200


async def test_another_picture_has_another_address(door: Door, client: httpx.AsyncClient, tmp_path: Path) -> None:
    before = await address(client)
    other = await keep(store_in(tmp_path), "two")
    await put_items(door.parts.signals, Item("red0", 6, uploaded_at_ms=6, kept_picture=other))
    assert await address(client) != before
    assert (await client.get(before)).headers["cache-control"] == "private, no-cache"


async def test_there_is_none_of_a_hidden_item_or_without_its_file(
    door: Door, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    kept = (await door.parts.signals.items(["red0"]))["red0"]
    await put_items(
        door.parts.signals,
        replace(kept, item_id="hidden", hidden=True),
        Item("bare", 5),
        replace(kept, item_id="lost", kept_picture=await keep(store_in(tmp_path), "lost")),
    )
    lost = (await door.parts.signals.items(["lost"]))["lost"].kept_picture
    assert lost is not None
    await store_in(tmp_path).remove(lost.key)
    for name in ("hidden", "bare", "lost", "nowhere"):
        answer = await client.get(f"/v1/items/{name}/picture")
        assert answer.status_code == 404, name


async def test_another_size_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/items/red0/picture?size=original")).status_code == 400


async def test_the_cache_holds_so_many_bytes_and_the_last_ones(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, second = await keep(store, "a"), await keep(store, "b")
    size = len(await store.read(first.key))
    shown = ShownPictures(store, cache_bytes=8 * size)
    for number in range(12):
        await shown.read((await keep(store, f"n{number}")).key, "webp")
    await shown.read(first.key, "webp")
    await store.remove(first.key)
    assert len(await shown.read(first.key, "webp")) == size
    assert shown._held <= 8 * size
    assert await shown.read(second.key, "jpeg") != await shown.read(second.key, "webp")
