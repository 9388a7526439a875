"""Unix times in another unit than milliseconds, recognised by their size."""

from typing import Any, Final

from sightline_client.errors import InvalidEvent

#: Each unit's numbers from 2001 on, and the factor to milliseconds. As milliseconds they would be before April 1978 or
#: after the year 33000. What stands for "never" is in none: the largest 64-bit integer, JavaScript's largest safe one.
_YEAR_2100_S: Final = 4_102_444_800
UNITS: Final = (
    ("seconds", 10**9, 26 * 10**10, 1000.0),
    ("microseconds", 10**15, _YEAR_2100_S * 10**6, 1e-3),
    ("nanoseconds", 10**18, _YEAR_2100_S * 10**9, 1e-6),
)
#: Between these no number is a time in another unit: the quick check of a time that is as it should be.
PLAUSIBLE_FROM_MS: Final = UNITS[0][2]
PLAUSIBLE_UNTIL_MS: Final = UNITS[1][1]

#: What a JSON Schema says of a Unix time in milliseconds: none of the numbers in UNITS.
OTHER_UNITS: Final[dict[str, Any]] = {
    "not": {"anyOf": [{"minimum": low, "exclusiveMaximum": high} for _, low, high, _ in UNITS]}
}


def check_unit(name: str, at_ms: float) -> None:
    """Raise InvalidEvent for a time that looks like seconds, microseconds or nanoseconds.

    >>> check_unit("occurred_at_ms", 1_790_000_000)
    Traceback (most recent call last):
        ...
    sightline_client.errors.InvalidEvent: `occurred_at_ms` is 1790000000, which looks like Unix seconds: \
give Unix milliseconds, such as 1790000000000
    """
    unit = unit_of(at_ms)
    if unit != "milliseconds":
        right = round(at_ms * next(factor for each, _, _, factor in UNITS if each == unit))
        raise InvalidEvent(
            "invalid_event",
            f"`{name}` is {at_ms}, which looks like Unix {unit}: give Unix milliseconds, such as {right}",
        )


def unit_of(number: float) -> str:
    """The unit in which a Unix time was probably given, by its size."""
    return next((unit for unit, low, high, _ in UNITS if low <= number < high), "milliseconds")
