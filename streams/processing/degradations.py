"""Records degradations, so that lists name the services they were made without."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from inference.errors import EncoderUnavailable
from state.degradations import Degradations
from state.errors import StateUnavailable
from streams.logs import log
from streams.retrying import until_available

T = TypeVar("T")
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


async def until_served(question: Callable[[], Awaitable[T]], report_trouble: Reporter) -> T:
    """What a model answers, once it is served; each attempt that finds it away is reported."""

    async def attempt() -> T:
        try:
            return await question()
        except EncoderUnavailable as error:
            await report_trouble(error)
            raise

    return await until_available(attempt, EncoderUnavailable)
