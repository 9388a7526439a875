"""What faults of its frames are faults of a clip."""

from collections.abc import Sequence

from features.vision.gate.judge import Judged
from features.vision.gate.table import CHECKS, Fault


def is_fault_of(fault: Fault, frames: Sequence[bool]) -> bool:
    """Whether a picture or a clip has a fault that these of its frames have, at least one.

    One unsafe frame is enough, a clip is plain if all of it is, and other faults are those of most frames.

    >>> [is_fault_of(fault, [True, False, False]) for fault in ("unsafe", "blur", "plain")]
    [True, False, False]
    """
    match fault:
        case "unsafe":
            return any(frames)
        case "plain":
            return all(frames)
        case _:
            return 2 * sum(frames) > len(frames)


def faults_of(frames: Sequence[Judged]) -> tuple[Fault, ...]:
    """The faults of a clip whose key frames were judged so, at least one."""
    return tuple(fault for fault in CHECKS if is_fault_of(fault, [fault in each.faults for each in frames]))
