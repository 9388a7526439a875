"""A process that trains a model again and again, each time in a process of its own; workers follow its file."""

import asyncio
import json
import os
import signal
import time
from asyncio import Task
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from threading import Thread
from typing import Any, Final, Literal, TypeAlias, get_args

import uvloop

from streams.logs import configure_logs, log
from streams.metrics import FIT_KEPT, FITS
from streams.processing.background import end, failure_of
from streams.settings import Settings
from streams.worker.ending import log_end
from streams.worker.lifecycle import run_to_end
from streams.worker.liveness import STUCK_S
from streams.worker.probes import STARTING, listen

#: What became of a training, by its exit code; any other code is a failure.
Outcome: TypeAlias = Literal["kept", "worse", "failed"]
_OUTCOMES: Final[dict[int, Outcome]] = {0: "kept", 1: "worse"}
#: After a failure, such as a broker that is away, it is tried again so soon.
RETRY_S: Final = 300.0
#: A training that takes longer is ended, and counts as failed.
LIMIT_S: Final = 6 * 3600.0
_LOOK_EVERY_S: Final = 1.0
#: A training is given so long to end when it is asked to; what it writes appears as a whole or not at all.
_GRACE_S: Final = 5.0


def run_refitter(model: str, command: Sequence[str], settings: Settings, every_s: float) -> int:
    """Train a model of this name by this command until SIGTERM or SIGINT.

    Returns the exit code (streams/worker/ending.py).
    """
    configure_logs(settings.log_level)
    name = "refitter"
    failure = uvloop.run(run_to_end(name, lambda stack: Refitter(model, command, settings, every_s, stack)))
    return log_end(name, failure)


def end_with_parent() -> None:
    """End this process, a training, when its stdin ends: with the refitter at the latest, however that ends."""
    Thread(target=_await_end_of_stdin, name="parent", daemon=True).start()


def _await_end_of_stdin() -> None:
    while os.read(0, 1 << 16):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


class Refitter:
    """Runs the command, which prints one JSON object, at once and then every `every_s`; `stack` closes its parts.

    The command calls `end_with_parent`.
    """

    def __init__(
        self, model: str, command: Sequence[str], settings: Settings, every_s: float, stack: AsyncExitStack
    ) -> None:
        self._kept = FIT_KEPT.labels(model)
        # All outcomes are 0 from the start: a query sees how a counter grows, not that it appears.
        self._fits = {outcome: FITS.labels(model, outcome) for outcome in get_args(Outcome)}
        self._command = tuple(command)
        self._settings = settings
        self._every_s = every_s
        self._stack = stack
        self._problems = [STARTING]
        self._heartbeat_s = time.monotonic()
        self._task: Task[None] | None = None
        #: The stdin of trainings: a pipe whose other end is open while this process lives, and is nobody else's.
        self._stdin, held = os.pipe()
        for each in (self._stdin, held):
            stack.callback(os.close, each)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the trainings; None while they go on."""
        return failure_of(self._task)

    async def start(self) -> None:
        """Begin to train; raises SettingsError where the port of the metrics cannot be had."""
        probes = listen(self._settings, live=self._live, ready=lambda: self._problems)
        self._stack.callback(probes.close)
        probes.start()
        log.info("starting", worker="refitter", metrics_port=probes.port, every_s=self._every_s)
        self._task = asyncio.create_task(self._repeat(), name="trainings")
        self._stack.push_async_callback(end, self._task)

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set or the trainings have ended by an error."""
        while not stop.is_set() and self.failure is None:
            self._heartbeat_s = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)

    async def _repeat(self) -> None:
        while True:
            outcome = await self._train()
            self._fits[outcome].inc()
            if outcome == "kept":
                self._kept.set_to_current_time()
            await asyncio.sleep(min(RETRY_S, self._every_s) if outcome == "failed" else self._every_s)

    async def _train(self) -> Outcome:
        process = await asyncio.create_subprocess_exec(*self._command, stdin=self._stdin, stdout=PIPE, stderr=PIPE)
        try:
            async with asyncio.timeout(LIMIT_S):
                out, errors = await process.communicate()
        except TimeoutError:
            out, errors = b"", f"it took more than {LIMIT_S:.0f} s".encode()
        finally:
            await _end(process)
        outcome, said = _outcome(process.returncode, out)
        self._problems = []
        if outcome == "failed":
            cause = (errors.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            self._problems = [f"the last training failed: {cause}"]
            log.warning("fit_failed", cause=cause, exit_code=process.returncode)
        else:
            log.info(f"fit_{outcome}", **said)
        return outcome

    def _live(self) -> list[str]:
        silent_s = time.monotonic() - self._heartbeat_s
        return [f"the event loop has not run for {silent_s:.0f} s"] if silent_s > STUCK_S else []


def _outcome(exit_code: int | None, out: bytes) -> tuple[Outcome, dict[str, Any]]:
    """What became of a training, and the object that it printed."""
    try:
        said = json.loads(out)
    except ValueError:
        said = None
    # An unexpected error ends a command with exit code 1, too: but then it has printed no object.
    if not isinstance(said, dict):
        return "failed", {}
    return _OUTCOMES.get(exit_code or 0, "failed"), said


async def _end(process: Process) -> None:
    """End a process that still runs."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _GRACE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
