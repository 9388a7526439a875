"""An app behind a real server in this process, and bytes to and from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.harness.fakes import until
from tests.harness.serving import serve
from web.access.connections import LimitedConnection


@asynccontextmanager
async def serving(
    app: Any, connection: type[LimitedConnection] = LimitedConnection, most: int | None = None
) -> AsyncIterator[int]:
    """Serve the app; gives the port."""
    config = uvicorn.Config(
        app,
        port=0,
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        limit_concurrency=most,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(serve(server))
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def sent(port: int, *parts: bytes, pause_s: float = 0.0, limit_s: float = 10) -> bytes:
    """What the server answers until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def write() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    writing = asyncio.create_task(write())
    try:
        async with asyncio.timeout(limit_s):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        writer.close()
