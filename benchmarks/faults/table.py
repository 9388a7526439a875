"""All faults, in the order in which they are listed."""

from collections.abc import Sequence

from benchmarks.faults.fault import Fault
from benchmarks.faults.kinds import kafka, learning, messages, redis, transactions, triton, workers

FAULTS: tuple[Fault, ...] = (
    *workers.FAULTS,
    *kafka.FAULTS,
    *redis.FAULTS,
    *triton.FAULTS,
    *messages.FAULTS,
    *transactions.FAULTS,
    *learning.FAULTS,
)


class UnknownFault(ValueError):
    """No fault has this name; the message lists the names."""


def find_faults(names: Sequence[str]) -> list[Fault]:
    """The faults with these names, or all faults without names; raises UnknownFault."""
    known = {fault.name: fault for fault in FAULTS}
    for name in names:
        if name not in known:
            raise UnknownFault(f"there is no fault {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(FAULTS)
