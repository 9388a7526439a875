"""Tasks that run for as long as their process."""

import asyncio
from abc import ABC, abstractmethod
from asyncio import Task
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol


class Part(Protocol):
    """A part of a process that works in the background; the process ends with it."""

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the part; None while it works."""
        ...


def failure_of(task: Task[None] | None) -> BaseException | None:
    """The exception that ended a task; None while it runs, after it was cancelled, and before it was started."""
    return task.exception() if task is not None and task.done() and not task.cancelled() else None


def every(
    seconds: float, look: Callable[[], Awaitable[None]], *, name: str, passing_over: tuple[type[Exception], ...] = ()
) -> Task[None]:
    """Call `look` every `seconds`, the first time after these, in a task that ends when `look` raises or by `end`.

    An error of a type in `passing_over` ends one call only.
    """

    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            with suppress(*passing_over):
                await look()

    return asyncio.create_task(repeat(), name=name)


class Periodic(ABC):
    """A part that looks at something every `every_s` seconds, from `start` to `stop`; see `every` for the rest."""

    def __init__(self, every_s: float, *, name: str, passing_over: tuple[type[Exception], ...] = ()) -> None:
        self._every_s = every_s
        self._name = name
        self._passing_over = passing_over
        self._task: Task[None] | None = None

    @abstractmethod
    async def look(self) -> None:
        """Look once."""

    async def start(self) -> None:
        """Start to look in the background."""
        self._task = every(self._every_s, self.look, name=self._name, passing_over=self._passing_over)

    async def stop(self) -> None:
        """Look no more."""
        await end(self._task)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the looks; None while they go on."""
        return failure_of(self._task)


async def end(*tasks: Task[None] | None) -> None:
    """Cancel tasks, and return when they have ended; None stands for one that was never started."""
    running = {task for task in tasks if task is not None}
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
