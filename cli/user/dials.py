"""Reads a user's dials from the command line: `shoes=0.5`."""

from collections.abc import Iterable

import msgspec
import typer

from streams.wire.events import Dials


def read_dials(words: Iterable[str]) -> dict[str, float]:
    """The weight of each name; raises typer.BadParameter.

    >>> read_dials(["shoes=0.5", "a=b=-1"])
    {'shoes': 0.5, 'a=b': -1.0}
    """
    pairs = [word.rpartition("=") for word in words]
    try:
        return msgspec.convert({name: float(weight) for name, _, weight in pairs}, Dials)
    except (ValueError, msgspec.ValidationError) as error:
        raise typer.BadParameter(f"{error}: give a name and a weight from -1 to 1, such as shoes=0.5") from None
