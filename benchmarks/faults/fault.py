"""The definition of a fault."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.faults.outcome import Need
from benchmarks.faults.system import System


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the limits within which the system must recover.

    `inflict` runs while events come in and returns the seconds until the system works again; it raises Unmet when a
    guarantee does not hold. The limit for these seconds is `within_s`, plus `per_minute_s` for each minute of a long
    fault, since the backlog must be worked off. No worker may end by itself unless `refused` is set. The replay of the
    log verifies the state after every fault.
    """

    name: str
    about: str
    inflict: Callable[[System], float]
    within_s: float
    per_minute_s: float = 0.0
    interactions: int = 1
    uploads: int = 0
    learning: int = 0
    needs: frozenset[Need] = frozenset()
    refused: bool = False
