"""The limits of connections, over real sockets: what they are for is the server's parser and its timers."""

import asyncio
import json

import pytest
from litestar.types import HTTPScope, Receive, Send

from tests.harness.fakes import until
from tests.web.access.serving import sent, serving
from web.access.connections import HEAD_BYTES, PIPELINED, LimitedConnection

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


STREAM = GET.replace(b"GET /", b"GET /stream")
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
open_streams: list[str] = []


class Impatient(LimitedConnection):
    head_seconds = 0.4


async def echo(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body; /refuse answers before it is read, /stream never ends."""
    size, more = 0, scope["path"] == "/"
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        size, more = size + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/stream":
        open_streams.append("/stream")
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        open_streams.clear()
        return
    await send({"type": "http.response.body", "body": str(size).encode(), "more_body": False})


def problem(answer: bytes, status: int) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    found: dict[str, object] = json.loads(body)
    return found


async def test_requests_are_answered_one_after_the_other_on_one_connection() -> None:
    async with serving(echo) as port:
        post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
        last = GET.replace(b"Host", b"Connection: close\r\nHost")
        answer = await sent(port, GET, post, GET + last)
        assert answer.count(b"HTTP/1.1 200 OK") == 4
        assert b"100000" in answer


@pytest.mark.parametrize("begin", [[], [b"GET / HT"], [b"\r\n"] * 100, [b"GET / HTTP/1.1\r\n"] + [b"a: b\r\n"] * 100])
async def test_a_head_that_does_not_come_or_does_not_end_ends_the_connection(begin: list[bytes]) -> None:
    async with serving(echo, Impatient) as port:
        answer = await sent(port, *begin, pause_s=0.05, limit_s=5)
        assert "within 0.4 s" in str(problem(answer, 408)["detail"])


async def test_the_second_head_of_a_connection_has_the_same_limit() -> None:
    async with serving(echo, Impatient) as port:
        answer = await sent(port, GET, *[b"\r\n"] * 100, pause_s=0.05, limit_s=5)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"HTTP/1.1 408 " in answer


async def test_a_refused_body_is_not_read_for_ever() -> None:
    async with serving(echo, Impatient) as port:
        head = b"POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n"
        answer = await sent(port, head, *[b"x" * 100] * 100, pause_s=0.05, limit_s=5)
        assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_a_request_that_takes_its_time_to_be_answered_is_not_ended() -> None:
    async with serving(echo, Impatient) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(STREAM)
        await asyncio.sleep(1)
        assert b"begun" in await reader.read(1000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.2)
        writer.close()


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET / HTTP/1.1\r\nx: ", *[b"y" * 4096] * 20],
        [b"GET / HTTP/1.1\r\n", *[b"x: " + b"y" * 1000 + b"\r\n"] * 80],
        [b"GET /" + b"a" * 4000, *[b"a" * 4096] * 20],
        [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", *[b"t: " + b"y" * 1000 + b"\r\n"] * 80],
        [b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1;" + b"e" * 4096 + b"\r\nx\r\n"] * 20],
    ],
    ids=["header", "headers", "address", "trailers", "extensions"],
)
async def test_what_is_no_content_has_a_limit(parts: list[bytes]) -> None:
    async with serving(echo) as port:
        answer = await sent(port, *parts, pause_s=0.005)
        assert f"{HEAD_BYTES:,}" in str(problem(answer, 431)["detail"])


async def test_a_body_in_chunks_is_content() -> None:
    async with serving(echo) as port:
        head = b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await sent(port, head, *[b"100\r\n" + b"x" * 256 + b"\r\n"] * 8000, b"0\r\n\r\n")
        assert b"2048000" in answer


async def test_what_is_no_http_is_refused_as_problem_details() -> None:
    async with serving(echo) as port:
        for junk in (
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"GET http://\xff HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\na\r\n\r\n",
        ):
            assert problem(await sent(port, junk), 400)["title"] == "This is no HTTP request"


async def test_many_requests_before_the_first_answer_end_the_connection() -> None:
    async with serving(echo) as port:
        answer = await sent(port, STREAM, GET * PIPELINED, pause_s=0.1)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert problem(await sent(port, STREAM + GET * PIPELINED), 400)


@pytest.mark.parametrize("behind", [b"", GET, GET + b"GET / HTTP", POST])
async def test_a_stream_ends_when_its_client_goes_whatever_was_sent_behind_it(behind: bytes) -> None:
    async with serving(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(STREAM + behind)
        assert (await reader.read(1000)).startswith(b"HTTP/1.1 200 OK")
        assert open_streams == ["/stream"]
        writer.close()
        await until(lambda: not open_streams)


async def test_there_are_no_more_connections_than_allowed_and_those_there_are_go_on() -> None:
    async with serving(echo, most=2) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        refused = await sent(port, GET)
        assert "all 2 connections" in str(problem(refused, 503)["detail"])
        assert b"retry-after: 1" in refused.lower()
        for reader, writer in held:
            writer.write(GET.replace(b"Host", b"Connection: close\r\nHost"))
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
            writer.close()
        assert (await sent(port, GET.replace(b"Host", b"Connection: close\r\nHost"))).startswith(b"HTTP/1.1 200 OK")
