"""Lets the lists say what they have to do without."""

from collections.abc import Awaitable, Callable

from state.degradations import Degradations
from state.errors import StateUnavailable
from streams.logs import log

#: Told of each failure to reach a service.
Reporter = Callable[[Exception], Awaitable[None]]

ENCODER = "encoder"
ALL = (ENCODER,)


def report_to(degradations: Degradations, name: str) -> Reporter:
    """A Reporter that sets a condition; when Redis is away as well, the log has to do."""

    async def report(error: Exception) -> None:
        log.warning("condition", name=name, error=str(error))
        try:
            await degradations.report(name)
        except StateUnavailable as unavailable:
            log.warning("condition_unreported", name=name, error=str(unavailable))

    return report
