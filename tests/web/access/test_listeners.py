import asyncio

import pytest
from litestar.types import HTTPScope, Receive, Send

from tests.harness.fakes import until
from tests.web.access.asking import PATH, Answer, Inside, ask, caller, let_in, scope_of, statuses
from web.access.caller import Caller
from web.access.listeners import USER_LIMIT, Listeners

STREAM = f"{PATH}/stream"


class Streaming:
    """Sends an event as often as it is let, until it is released."""

    def __init__(self, pause_s: float = 0.01) -> None:
        self.released = asyncio.Event()
        self.pause_s = pause_s
        self.ended = 0

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not self.released.is_set():
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                await asyncio.sleep(self.pause_s)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.ended += 1


def opened(app: Listeners, who: Caller, path: str = STREAM) -> "asyncio.Task[Answer]":
    return asyncio.ensure_future(ask(app, let_in(scope_of(path=path), who)))


async def test_there_are_no_more_streams_than_the_limit_and_one_caller_has_half() -> None:
    inside = Streaming()
    app = Listeners(inside, 10, keyless=False)
    streams = [opened(app, caller("feed")) for _ in range(5)]
    await until(lambda: app.count == 5)
    refused = await opened(app, caller("feed"))
    assert (refused.status, refused.headers["retry-after"]) == (503, "10")
    assert "feed has 5 open" in refused.problem["detail"]
    streams += [opened(app, caller("shop")) for _ in range(5)]
    await until(lambda: app.count == 10)
    assert "all 10 are open" in (await opened(app, caller("desk"))).problem["detail"]
    inside.released.set()
    assert statuses(await asyncio.gather(*streams)) == [200] * 10
    assert app.count == 0
    assert (await opened(app, caller("feed"))).status == 200


async def test_one_user_has_few_streams() -> None:
    inside = Streaming()
    app = Listeners(inside, 1000, keyless=False)
    streams = [opened(app, caller("user ann", user="ann")) for _ in range(USER_LIMIT)]
    await until(lambda: app.count == USER_LIMIT)
    assert (await opened(app, caller("user ann", user="ann"))).status == 503
    inside.released.set()
    await asyncio.gather(*streams)


async def test_without_keys_this_machine_may_have_all() -> None:
    inside = Streaming()
    app = Listeners(inside, 4, keyless=True)
    streams = [opened(app, caller("this machine")) for _ in range(4)]
    await until(lambda: app.count == 4)
    assert (await opened(app, caller("this machine"))).status == 503
    inside.released.set()
    await asyncio.gather(*streams)


async def test_a_client_that_goes_makes_room() -> None:
    inside = Streaming()
    app = Listeners(inside, 1, keyless=True)
    first = opened(app, caller())
    await until(lambda: app.count == 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert (app.count, inside.ended) == (0, 1)


async def test_what_is_no_stream_is_not_counted() -> None:
    app = Listeners(Inside(), 1, keyless=True)
    assert statuses([await opened(app, caller(), PATH) for _ in range(3)]) == [200] * 3


async def test_a_stream_ends_with_the_token_that_opened_it() -> None:
    now = [100.0]
    inside = Streaming()
    app = Listeners(inside, 10, keyless=False, now_s=lambda: now[0])
    stream = opened(app, caller("user ann", user="ann", until_s=200))
    await until(lambda: app.count == 1)
    await asyncio.sleep(0.05)
    assert not stream.done()
    now[0] = 200
    answer = await asyncio.wait_for(stream, 5)
    assert answer.body
    assert (app.count, inside.ended) == (0, 1)


async def test_another_error_in_a_stream_is_not_hidden() -> None:
    async def fails(scope: HTTPScope, receive: Receive, send: Send) -> None:
        raise RuntimeError("a fault")

    app = Listeners(fails, 10, keyless=False)
    with pytest.raises(RuntimeError, match="a fault"):
        await opened(app, caller("user ann", user="ann", until_s=1e12))
    assert app.count == 0
