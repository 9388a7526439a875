"""Messages that cannot be used: kept beside the others of their batch, and counted for the breaker."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from streams.errors import InvalidEvent, NothingSaid

A = TypeVar("A")
T = TypeVar("T")


def or_refusal(parse: Callable[[A], T], argument: A) -> T | InvalidEvent:
    """Return `parse(argument)`, or the InvalidEvent that it raises."""
    try:
        return parse(argument)
    except InvalidEvent as error:
        return error


def count_refused(parsed: Iterable[object]) -> tuple[int, int]:
    """Return how many there are, and how many of them are refusals: what `Breaker.check` takes."""
    refused = [isinstance(each, InvalidEvent) and not isinstance(each, NothingSaid) for each in parsed]
    return len(refused), sum(refused)
