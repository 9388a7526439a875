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
from threading import Thread, current_thread
from typing import Final, ParamSpec, TypeVar

#: The longest wait for calls that run when the process ends. One that hangs for longer is left behind.
ENDING_S: Final = 2.0

P = ParamSpec("P")
T = TypeVar("T")

_running: Final[set[Thread]] = set()


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a blocking call returns or raises. One that nobody waits for any more goes on until its client gives up.

    A pool would not do: a store that hangs would fill it, and hold up the end of the process.
    """
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()

    def run() -> None:
        try:
            answer.set_result(call(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # whoever waits gets it
            answer.set_exception(error)
        finally:
            _running.discard(current_thread())

    thread = Thread(target=run, name="object-store", daemon=True)
    _running.add(thread)
    thread.start()
    return await asyncio.wrap_future(answer)


@atexit.register
def _await_running() -> None:
    """A call that returned while the interpreter ends would abort the process."""
    until_s = time.monotonic() + ENDING_S
    for thread in tuple(_running):
        thread.join(max(0.0, until_s - time.monotonic()))
