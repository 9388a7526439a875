"""Tasks that run for as long as their process."""

from asyncio import Task


def failure_of(task: Task[None] | None) -> BaseException | None:
    """The exception that ended a task; None while it runs, after it was cancelled, and before it was started."""
    return task.exception() if task is not None and task.done() and not task.cancelled() else None
