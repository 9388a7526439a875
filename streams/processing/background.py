"""Tasks that run for as long as their process."""

from asyncio import Task
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
