"""How a worker ends: the last line of its log says why, and what to do; the exit code says which kind of end it was."""

import asyncio
import os
from typing import Any, Final

from inference.errors import InferenceError
from state.errors import StateError
from streams.errors import SettingsError, StreamError
from streams.logs import log

#: Ended by SIGTERM or SIGINT; everything was stored.
AS_ASKED: Final = 0
#: An error that the code does not expect.
UNEXPECTED: Final = 1
#: A setting, or a service that is not as the worker needs it: the message says what to do.
REFUSED: Final = 2
#: Ended by SIGTERM or SIGINT while a service was away; what was not stored is applied again.
IN_HASTE: Final = 3

#: The messages of these errors say what to do.
_EXPECTED: Final = (SettingsError, StreamError, StateError, InferenceError)
_REPORT: Final = (
    "this is a fault of Sightline: keep this log and report it. Nothing is lost: what was not stored is applied again "
    "by the next start; if that ends in the same way, go back to the version before"
)


def exit_code(failure: BaseException | None) -> int:
    """The exit code of a process that this error ended; None: it was asked to end."""
    if failure is None:
        return AS_ASKED
    if isinstance(failure, asyncio.CancelledError):
        return IN_HASTE
    return REFUSED if isinstance(failure, _EXPECTED) else UNEXPECTED


def log_end(worker: str, failure: BaseException | None) -> int:
    """Log why a worker ended, as the last line; return the exit code."""
    code = exit_code(failure)
    if failure is None:
        log.info("stopped", worker=worker, exit_code=code)
    elif code == IN_HASTE:
        log.error(
            "stopped_hard", worker=worker, reason="a part was cut short: a service is unavailable", exit_code=code
        )
    elif code == REFUSED:
        log.critical("failed", worker=worker, error=type(failure).__name__, cause=_cause(failure), exit_code=code)
    else:
        _log_unexpected("failed", failure, worker=worker, remedy=_REPORT, exit_code=code)
    return code


def end_in_haste(worker: str, failure: BaseException | None, limit_s: float) -> None:
    """End the process at once, because its parts have not stopped in time."""
    reason = f"not every part had stopped after {limit_s:.0f} s: a service is unavailable"
    code = IN_HASTE if failure is None else exit_code(failure)
    log.error("stopped_hard", worker=worker, reason=reason, exit_code=code)
    if failure is not None:
        log_end(worker, failure)
    os._exit(code)


def log_lost_errors(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of the event loop that nobody waits for, such as that of a task: a handler for asyncio's loop."""
    failure = context.get("exception")
    if failure is None:
        log.error("event_loop", message=context.get("message"))
    else:
        _log_unexpected("error_nobody_waited_for", failure, message=context.get("message"))


def _log_unexpected(event: str, failure: BaseException, **details: Any) -> None:
    log.critical(event, error=type(failure).__name__, cause=_cause(failure), **details, exc_info=failure)


def _cause(failure: BaseException) -> str:
    return " ".join([str(failure) or repr(failure), *(f"({note})" for note in getattr(failure, "__notes__", ()))])
