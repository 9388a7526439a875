"""Server-sent events (WHATWG HTML, section 9.2): one response that goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from streams.metrics import WEB_STREAMS
from web.documented import answer

MEDIA_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b": heartbeat\n\n"
HEARTBEAT_S: Final = 15.0
#: The first line: how many milliseconds a browser waits before it connects again.
RETRY: Final = b"retry: 1000\n\n"

#: For the documents of handlers.
DOCUMENTED: Final = {200: answer(str, "Server-sent events, until a side ends them", MEDIA_TYPE)}


def event(name: str, data: bytes, number: int | str | None = None) -> bytes:
    r"""One event; `data` is JSON, which has no line breaks.

    >>> event("list", b"{}", 7)
    b'event: list\nid: 7\ndata: {}\n\n'
    """
    place = b"" if number is None else f"id: {number}\n".encode()
    return b"event: " + name.encode() + b"\n" + place + b"data: " + data + b"\n\n"


class EventStream(ASGIResponse):
    """A response of events; it ends with them, or when the client is gone, and closes them in either case."""

    _should_set_content_length = False

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(media_type=MEDIA_TYPE, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI)
        """See the class."""
        with WEB_STREAMS.track_inprogress():
            await self._send(receive, send)

    async def _send(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.encode_headers()})
        await send({"type": "http.response.body", "body": RETRY, "more_body": True})
        writing, gone = asyncio.create_task(self._write(send)), asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            was_whole = writing.done()
            writing.cancel()
            await asyncio.gather(writing, gone, return_exceptions=True)
        if was_whole:
            writing.result()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send) -> None:
        try:
            async for part in self._events:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            close: Any = getattr(self._events, "aclose", None)
            if close is not None:
                await close()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
