"""Reads a user's dials from the command line: `shoes=0.5`."""

from collections.abc import Iterable
from typing import Final

import msgspec
import typer

from sightline_client.faults import fault_of
from streams.wire.events import Dials

_EXAMPLE: Final = "give a name and a weight from -1 to 1, such as shoes=0.5"


def read_dials(words: Iterable[str]) -> dict[str, float]:
    """The weight of each name; raises typer.BadParameter.

    >>> read_dials(["shoes=0.5", "a=b=-1"])
    {'shoes': 0.5, 'a=b': -1.0}
    """
    weights = dict(map(_read_dial, words))
    try:
        return msgspec.convert(weights, Dials)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{fault_of(error, whole='what is preferred')}: {_EXAMPLE}") from None


def _read_dial(word: str) -> tuple[str, float]:
    name, _, weight = word.rpartition("=")
    try:
        return name, float(weight)
    except ValueError:
        raise typer.BadParameter(f"{word!r} has no weight: {_EXAMPLE}") from None
