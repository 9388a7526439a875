"""From start to end of a process: what starts is watched, what fails ends it, and all parts are closed in any case."""

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from streams.logs import log
from streams.worker.ending import end_in_haste, log_lost_errors

#: A start may wait for a service without limit; how often its parts are looked at meanwhile.
LOOK_EVERY_S = 1.0
#: A worker exits within this time of a stop signal, even if Kafka is down. Effects not stored are applied again later.
END_S = 9.0


class Process(Protocol):
    """What runs."""

    @property
    def failure(self) -> BaseException | None:
        """The exception of a part that stopped by itself, so the process must end; None while all run."""
        ...

    async def start(self) -> None:
        """Start everything; raises the parts' errors if a service is not in the required state."""
        ...

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set or a part has failed."""
        ...


async def run_to_end(
    name: str, make: Callable[[AsyncExitStack], Process], *, end_s: float = END_S
) -> BaseException | None:
    """Run a process until SIGTERM or SIGINT, or until a part fails; return the error that ended it, None for a signal.

    `make` puts whatever must be closed on the stack. If the process, with all its threads, has not ended `end_s` after
    its parts began to close, it is ended.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_errors)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    failure: BaseException | None = None
    try:
        async with AsyncExitStack() as stack:
            failure = await _work(make, stack, stop)
            deadline = threading.Timer(end_s, end_in_haste, (name, failure, end_s))
            deadline.daemon = True
            deadline.start()
    # A client of a service that is away may cancel what it waits for when it is stopped; nobody cancels this task.
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 (the last line names whatever a part raises)
        if failure is not None:
            log.error("stopping_failed", exc_info=error)
        failure = failure or error
    return failure


async def _work(
    make: Callable[[AsyncExitStack], Process], stack: AsyncExitStack, stop: asyncio.Event
) -> BaseException | None:
    """Start a process and watch it until `stop` is set or a part fails; return the failure."""
    try:
        process = make(stack)
        starting = asyncio.create_task(process.start())
        stopping = asyncio.create_task(stop.wait())
        while not (starting.done() or stopping.done() or process.failure):
            await asyncio.wait({starting, stopping}, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            await starting
            await process.watch(stop)
        else:
            # Wait until `start` has stopped before the stack closes the parts that it created.
            starting.cancel()
            await asyncio.wait({starting})
    except Exception as error:  # noqa: BLE001 (the parts that were started are closed first)
        return error
    return process.failure
