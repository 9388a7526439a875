"""Several calls at once, of which none outlives the others' failure."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """What all calls give, in their order; once all have ended, the first failure is raised.

    `asyncio.gather` raises it at once, and leaves behind the calls that wait for a service without limit.
    """
    found: list[T] = []
    for each in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        found.append(each)
    return found
