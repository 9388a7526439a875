"""The result of one fault, and what a fault needs of the services."""

from dataclasses import dataclass
from typing import Literal

#: Services that a fault needs besides a plain Kafka and Redis: a proxy in front of one, three brokers, Triton, or a
#: Triton whose model can be made to answer NaN.
Need = Literal["kafka proxy", "redis proxy", "brokers", "triton", "triton proxy", "broken model"]


class Unmet(Exception):
    """A guarantee of the system did not hold under a fault; the message says which."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of `sightline bench faults`.

    `wrong` lists the reasons why the fault failed; `recovered_s` is None if the system did not recover.
    """

    fault: str
    events: int
    lost: int
    double_applied: int
    recovered_s: float | None
    wrong: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every guarantee held."""
        return not (self.wrong or self.lost or self.double_applied)
