"""Questions of many, asked together: one alone when nothing waits, full batches under load."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

E = TypeVar("E")
T = TypeVar("T")


class DynamicBatcher(Generic[E, T]):
    """Hands what waits to `ask`, up to `limit` at once, with up to `calls` of its calls under way.

    It never waits for a batch to fill. `ask` answers each element in its place, with an exception where that one alone
    failed; what it raises is every element's.
    """

    def __init__(
        self, ask: Callable[[Sequence[E]], Awaitable[Sequence[T | Exception]]], *, calls: int, limit: int
    ) -> None:
        self._ask = ask
        self._calls = calls
        self._limit = limit
        self._waiting: deque[tuple[E, asyncio.Future[T]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """How many calls are under way."""
        return len(self._running)

    async def answer(self, element: E) -> T:
        """The answer to one element; who waits no longer is not asked for."""
        return (await self.answer_all([element]))[0]

    async def answer_all(self, elements: Sequence[E]) -> list[T]:
        """The answers to elements that wait together: one call takes them, or as many as it may."""
        loop = asyncio.get_running_loop()
        waiting: list[tuple[E, asyncio.Future[T]]] = [(element, loop.create_future()) for element in elements]
        self._waiting.extend(waiting)
        self._send()
        return await asyncio.gather(*(answer for _, answer in waiting))

    def _send(self) -> None:
        while len(self._running) < self._calls and (batch := self._take()):
            call = asyncio.create_task(self._call(batch))
            self._running.add(call)
            call.add_done_callback(self._ended)

    def _take(self) -> list[tuple[E, asyncio.Future[T]]]:
        batch: list[tuple[E, asyncio.Future[T]]] = []
        while self._waiting and len(batch) < self._limit:
            element, answer = self._waiting.popleft()
            if not answer.done():
                batch.append((element, answer))
        return batch

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._running.discard(call)
        self._send()

    async def _call(self, batch: Sequence[tuple[E, asyncio.Future[T]]]) -> None:
        try:
            found: Sequence[T | Exception] = await self._ask([element for element, _ in batch])
        except Exception as error:  # noqa: BLE001 (whatever it is, it is for those who wait)
            found = [error] * len(batch)
        for (_, answer), outcome in zip(batch, found, strict=True):
            if answer.done():
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
