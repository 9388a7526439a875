"""What a fault is, and what became of one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from benchmarks.faults.system import System

#: What a fault needs of its services: plain ones, Kafka or Redis behind a proxy, three brokers, Triton too, or one
#: whose model answers NaN.
Need = Literal["kafka proxy", "redis proxy", "brokers", "triton", "triton proxy", "broken model"]


class Unmet(Exception):
    """Something that a fault must not change did change; the message says what."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`inflict` runs while events come in; it gives the seconds it took until the system was at work again.

    It raises Unmet with what the fault must not have led to. `within_s` is the limit for those seconds, and
    `per_minute_s` is added for each minute of a long fault: what waited must be worked off. Unless `refused`, no worker
    may end that was not told to. The oracle judges in any case.
    """

    name: str
    about: str
    inflict: Callable[["System"], float]
    within_s: float
    per_minute_s: float = 0.0
    interactions: int = 1
    uploads: int = 0
    needs: frozenset[Need] = frozenset()
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of `sightline bench faults`; `wrong` says why it did not pass, `recovered_s` is None for never."""

    fault: str
    events: int
    lost: int
    double_applied: int
    recovered_s: float | None
    wrong: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the system did what it promises."""
        return not (self.wrong or self.lost or self.double_applied)
