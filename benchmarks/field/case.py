"""One case: what is expected, and what was seen."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A line of `sightline bench field`."""

    case: str
    expected: str
    seen: str
    passed: bool


def equal(case: str, expected: object, seen: object) -> Case:
    """The case passes if the product shows exactly what is expected."""
    return Case(case, str(expected), str(seen), expected == seen)


def tried(case: str, expected: str, look: Callable[..., Case], *args: object) -> Case:
    """The case, or a failed one if `look(*args)` raises: one case that breaks must not hide the others."""
    try:
        return look(*args)
    except Exception as error:  # noqa: BLE001 (whatever breaks is what was seen)
        return Case(case, expected, f"{type(error).__name__}: {error}"[:300], False)
