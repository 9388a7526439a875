"""The structured log of a process."""

import logging
import sys
import time
from collections.abc import Callable

import structlog
from stamina.instrumentation import StructlogOnRetryHook, set_on_retry_hooks

from features.printable import printable

log = structlog.get_logger("sightline")


class Seldom:
    """Lets one line of a kind pass in `every_s` seconds and counts the others. Kinds must be few."""

    def __init__(self, every_s: float, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock_s = clock_s
        #: By kind: when the last line passed, and how many were left out since.
        self._kinds: dict[tuple[str, ...], tuple[float, int]] = {}

    def left_out(self, *kind: str) -> int | None:
        """Return None if a line of this kind must be left out now, else the number left out since the last one."""
        now_s = self._clock_s()
        last_s, count = self._kinds.get(kind, (float("-inf"), 0))
        if now_s - last_s < self._every_s:
            self._kinds[kind] = (last_s, count + 1)
            return None
        self._kinds[kind] = (now_s, 0)
        return count


class PrintableFormatter(logging.Formatter):
    """Formats the logs of libraries, whose messages and tracebacks may quote what strangers wrote."""

    def format(self, record: logging.LogRecord) -> str:
        """One line for the message, and one for each line of a traceback."""
        message = printable(record.getMessage())
        plain = logging.makeLogRecord({**record.__dict__, "msg": message, "args": None})
        return "\n".join(printable(line) for line in super().format(plain).split("\n"))


def configure_logs(level: str) -> None:
    """Write log events to stderr as JSON lines in ASCII; logs of libraries from level warning upwards, as text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # stamina's own counter has a label with the attempt number, which grows without bound while Redis is away.
    set_on_retry_hooks([StructlogOnRetryHook])
    log_as_json(level, cache=True)


def log_as_json(level: str, *, cache: bool) -> None:
    """Write log events from this level upwards to stderr; with `cache` a logger keeps this once it is used."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=cache,
    )


# For commands, which configure nothing: by default structlog writes colours and raw text to stdout.
log_as_json("warning", cache=False)
if logging.lastResort is not None:
    logging.lastResort.setFormatter(PrintableFormatter("%(name)s: %(message)s"))
