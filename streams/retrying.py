"""Waiting for a service to come back: without limit, since an event must not be skipped because Redis is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

T = TypeVar("T")


async def until_available(call: Callable[[], Awaitable[T]], unavailable: type[Exception]) -> T:
    """The call's result, tried again while it raises `unavailable`, with 50 ms to 2 s and jitter in between."""
    try:
        return await call()
    except unavailable as error:
        failed = [error]
    # Only now: a retry costs more to set up than many a call takes.
    async for attempt in stamina.retry_context(
        on=unavailable, attempts=None, timeout=None, wait_initial=0.05, wait_max=2.0, wait_jitter=0.5
    ):
        with attempt:
            if failed:
                raise failed.pop()
            return await call()
    raise AssertionError("unreachable: the attempts are unlimited. This is a bug.")
