"""The whole door behind its server, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.harness.fakes import until
from tests.harness.web import Door
from tests.web.access.serving import serving

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
