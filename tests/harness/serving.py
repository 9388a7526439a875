"""Apps that really listen in this process: a server, and one in a thread, for tests without an event loop."""

import asyncio
import threading
import time

import uvicorn
from litestar.types import ASGIApp

_DEADLINE_S = 20.0


async def serve(server: uvicorn.Server) -> None:
    """Serve until the server is to exit. It leaves connections open that it does not wait for: these are closed."""
    await server.serve()
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()
    # A transport closes its socket in the next round of the loop.
    await asyncio.sleep(0)


class Serving:
    """Serves an app on a free port, or on the one given, for tests in a browser; `stop` ends all of its requests."""

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        config = uvicorn.Config(
            app,
            port=port, http="httptools", ws="none", log_config=None, lifespan="off", timeout_graceful_shutdown=0,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(serve(self._server)), daemon=True)
        self._thread.start()
        until = time.monotonic() + _DEADLINE_S
        while not self._server.started:
            assert self._thread.is_alive(), "the app did not start"
            assert time.monotonic() < until, "the app did not start in time"
            time.sleep(0.01)
        #: Where it listens.
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """End it, and whatever it serves."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
