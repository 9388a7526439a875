"""Several batches at once, each taking effect after the one before it: for work that waits for others' machines."""

import asyncio
from asyncio import Task, TaskGroup
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

E = TypeVar("E")
T = TypeVar("T")


async def overlap(
    batches: AsyncIterator[Sequence[E]],
    work: Callable[[Sequence[E]], Awaitable[T]],
    settle: Callable[[Sequence[E], T], Awaitable[None]],
    *,
    at_once: int,
) -> None:
    """Work on batches as they come, with up to `at_once` elements under way, and settle them in their order.

    What `work` or `settle` raises ends everything, as an ExceptionGroup: no later batch is settled then. Cancelled, it
    leaves nothing running.
    """

    async def handle(batch: Sequence[E], before: Task[None] | None) -> None:
        result = await work(batch)
        if before is not None:
            await asyncio.wait((before,))
            before.result()
        await settle(batch, result)

    running: deque[tuple[int, Task[None]]] = deque()
    last: Task[None] | None = None
    async with TaskGroup() as group:
        async for batch in batches:
            while running and (running[0][1].done() or len(batch) + sum(size for size, _ in running) > at_once):
                await asyncio.wait((running.popleft()[1],))
            last = group.create_task(handle(batch, last))
            running.append((len(batch), last))
