"""Reads an age from the command line: `2h`."""

import typer

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_age(text: str) -> int:
    """The milliseconds of an age such as 90s, 30m, 2h or 7d; raises typer.BadParameter.

    >>> parse_age("2h")
    7200000
    """
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or len(number) > 9 or unit not in _SECONDS:
        raise typer.BadParameter(f"{text!r} is no age: give a number and s, m, h or d, such as 2h")
    return int(number) * _SECONDS[unit] * 1000
