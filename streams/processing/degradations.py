"""Records degradations, so that lists name the services they were made without."""

from collections.abc import Awaitable, Callable

from state.degradations import Degradations
from state.errors import StateUnavailable
from streams.logs import log

#: Called with each failure to reach a service.
Reporter = Callable[[Exception], Awaitable[None]]

ENCODER = "encoder"
GATE = "gate"
ALL = (ENCODER, GATE)


def report_to(degradations: Degradations, name: str) -> Reporter:
    """Return a Reporter that logs a failure and stores the degradation. If Redis is down too, it only logs."""

    async def report(error: Exception) -> None:
        log.warning("condition", name=name, error=str(error))
        try:
            await degradations.report(name)
        except StateUnavailable as unavailable:
            log.warning("condition_unreported", name=name, error=str(unavailable))

    return report
