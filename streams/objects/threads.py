"""Calls of an object store's client, each in a thread of its own.

obstore's asynchronous calls finish in threads of Rust that want the interpreter once more after their answer is there.
A process that ends in that moment is aborted (exit status 134), and short commands do. A blocking call is over when it
returns.
"""

import asyncio
import atexit
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread, current_thread
from typing import Final, ParamSpec, TypeVar

#: The longest wait for calls that run when the process ends. One that hangs for longer is left behind.
ENDING_S: Final = 2.0
#: Calls at a time: several times what all agents of a worker make. A folder of a network may hang for ever.
MOST: Final = 256

P = ParamSpec("P")
T = TypeVar("T")

_running: Final[set[Thread]] = set()


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a blocking call returns or raises, and OSError where there is no thread for it.

    One that nobody waits for any more goes on until its client gives up.

    A pool would not do: a store that hangs would fill it, and hold up the end of the process.
    """
    return await _begun(partial(call, *args, **kwargs))


def _begun(call: Callable[[], T]) -> "asyncio.Future[T]":
    if len(_running) >= MOST:
        raise OSError(f"{MOST} calls of stores have no answer yet")
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()
    thread = Thread(target=_run, args=(call, answer), name="object-store", daemon=True)
    _running.add(thread)
    try:
        thread.start()
    except RuntimeError as error:  # the system gives no more: the store is as good as away, and not the worker
        _running.discard(thread)
        raise OSError(f"its call gets no thread: {error}") from error
    return asyncio.wrap_future(answer)


def _run(call: Callable[[], T], answer: "Future[T]") -> None:
    try:
        answer.set_result(call())
    except BaseException as error:  # noqa: BLE001  # whoever waits gets it
        answer.set_exception(error)
    finally:
        _running.discard(current_thread())
        # An error holds this frame. Where this held the error, too, what was to be written would stay in memory.
        del call, answer


@atexit.register
def _await_running() -> None:
    """A call that returned while the interpreter ends would abort the process."""
    until_s = time.monotonic() + ENDING_S
    for thread in tuple(_running):
        thread.join(max(0.0, until_s - time.monotonic()))
