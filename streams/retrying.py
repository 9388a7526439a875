"""Retries without limit, because an event must not be skipped while a service is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

T = TypeVar("T")


async def until_available(call: Callable[[], Awaitable[T]], unavailable: type[Exception]) -> T:
    """Return the call's result; retry while it raises `unavailable`, after 50 ms to 2 s with jitter."""
    try:
        return await call()
    except unavailable as error:
        failed = [error]
    # Set up only after a failure: the setup takes longer than many calls.
    async for attempt in stamina.retry_context(
        on=unavailable, attempts=None, timeout=None, wait_initial=0.05, wait_max=2.0, wait_jitter=0.5
    ):
        with attempt:
            if failed:
                raise failed.pop()
            return await call()
    raise AssertionError("unreachable: the attempts are unlimited. This is a bug.")
