"""All faults, in the order in which they are told."""

from collections.abc import Sequence

from benchmarks.faults import kafka, messages, pictures, redis, workers
from benchmarks.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (*workers.FAULTS, *kafka.FAULTS, *redis.FAULTS, *pictures.FAULTS, *messages.FAULTS)


class UnknownFault(ValueError):
    """There is no fault of this name; the message names those there are."""


def find_faults(names: Sequence[str]) -> list[Fault]:
    """The faults of these names, all where none is given; raises UnknownFault."""
    known = {fault.name: fault for fault in FAULTS}
    for name in names:
        if name not in known:
            raise UnknownFault(f"there is no fault {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(FAULTS)
