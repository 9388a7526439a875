"""What a connection may cost before the app hears of it: uvicorn limits neither the time nor the size of a head.

The client has some seconds to send a head, and to end a body that was already refused. What is not content, such as
headers, trailers and the sizes of chunks, has a limit of bytes. A client that takes none of its answer for a while is
gone: the kernel ends its connection (RFC 5482).
"""

import asyncio
import socket
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from web.access.headers import HEADERS
from web.problems import MEDIA_TYPE, Problem

HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 32 * 1024
#: Milliseconds after which an answer that nobody takes ends the connection.
UNTAKEN_MS: Final = 60_000
#: Requests of one connection that may be without their whole answer.
PIPELINED: Final = 16


class LimitedConnection(HttpToolsProtocol):
    """One connection; `limit_concurrency` of uvicorn's configuration is how many there may be, idle ones included."""

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        #: Bytes since the last whole request that are no content.
        self._beside = 0
        self._patience: asyncio.TimerHandle | None = None
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; one connection too many is answered with 503 at once."""
        super().connection_made(transport)
        _end_when_untaken(transport)
        if self._most is not None and len(self.connections) > self._most:
            self._refuse(
                Problem(
                    503,
                    "There are too many connections",
                    f"all {self._most} connections are open",
                    headers={"Retry-After": "1"},
                )
            )
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all requests that the client is gone; uvicorn tells the newest, which is not always the one at work."""
        self._stop_waiting()
        super().connection_lost(exc)
        for each in self._unanswered:
            each.disconnected = not each.response_complete
            each.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came, where the connection is not refused yet."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        self._beside += len(data)
        super().data_received(data)
        if self._beside > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(
                Problem(
                    431,
                    "The head of the request is too large",
                    f"address, headers and trailers have {HEAD_BYTES:,} bytes together at most",
                )
            )

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._stop_waiting()
        self._beside = 0
        super().on_headers_complete()
        self._unanswered = [*(each for each in self._unanswered if not each.response_complete), self.cycle]
        if len(self._unanswered) > PIPELINED:
            raise ValueError(f"more than {PIPELINED} requests came before the answer to the first")

    def on_body(self, body: bytes) -> None:
        """Take content, which the app limits; it pays for as much of what is no content."""
        self._beside = max(self._beside - 2 * len(body), 0)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._beside = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as problem details."""
        self._refuse(Problem(400, "This is no HTTP request", msg))

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            detail = f"no whole request came within {self.head_seconds:g} s"
            self._refuse(Problem(408, "The request came too slowly", detail))

    def _refuse(self, problem: Problem) -> None:
        """Answer and close. In the middle of an answer there is no place for another."""
        self._stop_waiting()
        if not any(each.response_started and not each.response_complete for each in self._unanswered):
            body = problem.body()
            headers = [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
                *((name.encode(), value.encode()) for name, value in problem.headers.items()),
                *HEADERS,
            ]
            head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[problem.status] + head + b"\r\n" + body)
        self.transport.close()


def _end_when_untaken(transport: asyncio.BaseTransport) -> None:
    # Only Linux has the option, and it is of no use on other kinds of sockets.
    connection = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, option, UNTAKEN_MS)
