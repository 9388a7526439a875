"""One structured log for a process."""

import logging
import sys

import structlog
from stamina.instrumentation import StructlogOnRetryHook, set_on_retry_hooks

log = structlog.get_logger("sightline")


def configure_logs(level: str) -> None:
    """Write events as JSON lines to stderr, one a line; the libraries' own logs from warnings upwards."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    # stamina's counter has a label for the number of the attempt, which has no bound when Redis is away for an hour.
    set_on_retry_hooks([StructlogOnRetryHook])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
