"""The whole door behind its server, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from streams.web_door.keys import WebKey
from tests.harness.fakes import until
from tests.harness.web import Door
from tests.web.access.serving import serving
from web.access.tokens import LONGEST_S, UserTokens

STREAM = b"GET /v1/users/u%d/recommendations/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def test_idle_listeners_take_no_more_than_their_share_and_lists_go_on() -> None:
    door = Door(web_listeners=150)
    async with serving(door.app) as port:

        async def listen(number: int) -> tuple[bytes, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(STREAM % number)
            return await reader.read(200), writer

        opened = await asyncio.gather(*map(listen, range(200)))
        assert [head[9:12] for head, _ in opened].count(b"200") == 150
        assert [head[9:12] for head, _ in opened].count(b"503") == 50
        async with httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
            assert (await client.get("/v1/users/u1/recommendations")).status_code == 200
            for _, writer in opened:
                writer.close()
            await until(lambda: door.tail.lists.listening == 0)
            head, last = await listen(1)
            last.close()
            assert head.startswith(b"HTTP/1.1 200")


async def test_a_browsers_stream_ends_with_its_token() -> None:
    door = Door(web_keys=WebKey("feed", frozenset({"read"}), "a" * 64).entry(), web_token_key="t" * 32)
    ending = UserTokens(["t" * 32], lambda: time.time() - LONGEST_S + 2).sign("u1")[0]
    async with serving(door.app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        async with client.stream("GET", f"/v1/users/u1/recommendations/stream?token={ending}") as answer:
            assert answer.status_code == 200
            door.tail.lists.put("u1", 5, b'{"seq":5}')
            came = answer.aiter_text()
            while "seq" not in await anext(came):
                pass
            await asyncio.sleep(2.1)
            door.tail.lists.put("u1", 6, b'{"seq":6}')
            assert [text async for text in came] == []
        await until(lambda: door.tail.lists.listening == 0)
        assert (await client.get(f"/v1/users/u1/recommendations/stream?token={ending}")).status_code == 401


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_client_that_sends_too_much_hears_so(chunked: bool) -> None:
    part, parts = b"x" * 65_536, 480

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(parts):
            yield part

    async with serving(Door().app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        body = slowly() if chunked else part * parts
        refused = await client.post("/v1/similar", content=body, headers={"content-type": "application/json"})
        assert (refused.status_code, refused.json()["title"]) == (413, "The body is too large")
