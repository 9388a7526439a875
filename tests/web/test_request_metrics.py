"""What is counted of requests."""

import asyncio
from typing import Any

import httpx
import pytest
from litestar.types import Receive, Scope, Send
from prometheus_client import REGISTRY

from tests.harness.fakes import until
from tests.harness.web import Door
from web.event_streams import EventStream
from web.request_metrics import RequestMetrics

LISTS = "/v1/users/{user_id}/recommendations"


def counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("sightline_web_request_seconds_count", labels) or 0.0


async def test_requests_are_counted_by_route_and_no_id_is_a_label(client: httpx.AsyncClient) -> None:
    before = [counted(LISTS, "GET", status) for status in ("2xx", "4xx")]
    for params in ({}, {"count": "1"}, {"count": "0"}):
        await client.get("/v1/users/ann-3f9/recommendations", params=params)
    assert [counted(LISTS, "GET", status) for status in ("2xx", "4xx")] == [before[0] + 2, before[1] + 1]
    page = (await client.get("/metrics")).text
    assert "ann-3f9" not in page


async def test_what_is_no_route_or_no_known_method_is_counted_under_one_name(client: httpx.AsyncClient) -> None:
    before = counted("none", "GET", "4xx"), counted("none", "other", "4xx")
    await client.get("/v1/no-such-thing-77")
    await client.request("BREW", "/v1/no-such-thing-77")
    assert (counted("none", "GET", "4xx"), counted("none", "other", "4xx")) == (before[0] + 1, before[1] + 1)


async def test_a_fault_of_what_is_around_the_app_counts_as_one_of_the_server() -> None:
    async def broken(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    before = counted("none", "PUT", "5xx")
    scope: Any = {"type": "http", "method": "PUT", "path": "/"}
    with pytest.raises(ValueError, match="http"):
        await RequestMetrics(broken)(scope, nothing, nothing)
    assert counted("none", "PUT", "5xx") == before + 1


async def test_open_streams_are_counted_and_none_is_a_long_request(door: Door) -> None:
    def streams() -> float:
        return REGISTRY.get_sample_value("sightline_web_streams") or 0.0

    async def send(_: Any) -> None:
        return None

    gone, before = asyncio.Event(), streams()

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    scope: Any = {"type": "http", "method": "GET", "path": "/"}
    stream: Any = EventStream(door.tail.lists.events("u1"))
    task = asyncio.ensure_future(RequestMetrics(stream)(scope, receive, send))
    requests = counted("none", "GET", "2xx")
    await until(lambda: streams() == before + 1)
    assert counted("none", "GET", "2xx") == requests + 1
    gone.set()
    await task
    assert streams() == before
