"""Streams of lists, from the tail to the bytes of a client."""

import asyncio
from typing import Any

import pytest

from tests.harness.fakes import until
from tests.harness.web import Door
from web.tail.newest_lists import NewestLists


class Reader:
    """A client of a stream that reads as ASGI, so that it can stay and go when a test says so."""

    def __init__(self, door: Door, user: str, **headers: str) -> None:
        self.parts: list[bytes] = []
        self.status = 0
        self._gone = asyncio.Event()
        path = f"/v1/users/{user}/recommendations/stream"
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [
                (b"host", b"127.0.0.1"),
                *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
            ],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
        }
        self.task = asyncio.ensure_future(door.app(scope, self._receive, self._send))  # type: ignore[arg-type]

    @property
    def events(self) -> list[bytes]:
        return [part for part in self.parts if part.startswith(b"event:")]

    async def leave(self) -> None:
        self._gone.set()
        await self.task

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.parts.append(message.get("body", b""))


def listening(door: Door) -> int:
    return door.tail.lists.listening


async def test_the_newest_list_comes_first_then_each_new_one_to_its_user_alone(door: Door) -> None:
    door.tail.lists.put("u1", 5, b'{"seq":5}')
    one, other = Reader(door, "u1"), Reader(door, "u2")
    await until(lambda: listening(door) == 2 and len(one.events) == 1)
    door.tail.lists.put("u1", 6, b'{"seq":6}')
    await until(lambda: len(one.events) == 2)
    assert one.parts[:2] == [b"", b"retry: 1000\n\n"]
    assert one.events == [b'event: list\nid: 5\ndata: {"seq":5}\n\n', b'event: list\nid: 6\ndata: {"seq":6}\n\n']
    assert other.events == []
    await one.leave()
    await other.leave()
    assert (one.status, listening(door)) == (200, 0)


async def test_who_comes_back_gets_what_was_missed_and_nothing_twice(door: Door) -> None:
    door.tail.lists.put("u1", 5, b"{}")
    same, behind, odd = (Reader(door, "u1", last_event_id=seq) for seq in ("5", "4", "no number"))
    await until(lambda: len(behind.events) == 1 and len(odd.events) == 1)
    assert same.events == []
    for reader in (same, behind, odd):
        await reader.leave()


async def test_a_slow_reader_gets_the_newest() -> None:
    lists = NewestLists()
    lists.put("u1", 1, b"1")
    events = lists.events("u1")
    assert await anext(events) == b"event: list\nid: 1\ndata: 1\n\n"
    for seq in (2, 3, 4):
        lists.put("u1", seq, b"%d" % seq)
    assert await anext(events) == b"event: list\nid: 4\ndata: 4\n\n"
    await events.aclose()  # type: ignore[attr-defined]
    assert lists.listening == 0


async def test_an_older_list_is_passed_over_and_a_withdrawn_one_is_forgotten() -> None:
    lists = NewestLists()
    lists.put("u1", 3, b"3")
    lists.put("u1", 3, b"again")
    lists.put("u1", 2, b"2")
    assert lists.newest("u1") == (3, b"3")
    lists.withdraw("u1")
    lists.withdraw("nobody")
    assert lists.newest("u1") is None


async def test_lists_are_remembered_up_to_a_limit_of_bytes() -> None:
    lists = NewestLists(limit_bytes=10)
    for user in ("u1", "u2", "u3"):
        lists.put(user, 1, b"12345")
    assert [lists.newest(user) is None for user in ("u1", "u2", "u3")] == [True, False, False]


async def test_a_quiet_stream_has_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.tail.newest_lists.HEARTBEAT_S", 0.01)
    events = NewestLists().events("u1")
    assert await anext(events) == b": heartbeat\n\n"
    await events.aclose()  # type: ignore[attr-defined]


async def test_streams_end_with_the_process(door: Door) -> None:
    reader = Reader(door, "u1")
    await until(lambda: listening(door) == 1)
    door.tail.lists.close()
    await reader.task
    late = Reader(door, "u1")
    await late.task
    assert listening(door) == 0


async def test_who_listens_is_told_that_a_list_is_withdrawn_and_does_not_get_it_late() -> None:
    lists = NewestLists()
    events = lists.events("u1")
    lists.put("u1", 1, b"{}")
    assert await anext(events) == b"event: list\nid: 1\ndata: {}\n\n"
    lists.put("u1", 2, b"{}")
    lists.withdraw("u1")
    lists.withdraw("u2")
    assert await anext(events) == b"event: withdrawn\ndata: {}\n\n"
    lists.withdraw("u1")
    lists.put("u1", 3, b"{}")
    assert await anext(events) == b"event: list\nid: 3\ndata: {}\n\n"


@pytest.mark.parametrize("number", ["9" * 5000, "²", "-1", "x", ""])
async def test_a_last_event_id_that_is_no_number_is_none(door: Door, number: str) -> None:
    door.tail.lists.put("u1", 5, b'{"seq":5}')
    reader = Reader(door, "u1", last_event_id=number)
    await until(lambda: len(reader.events) == 1)
    assert reader.status == 200
    await reader.leave()
