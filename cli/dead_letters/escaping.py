"""The content of dead letters as text, and for lists without personal data."""

import re

from features.printable import SHOWN, printable

_QUOTED = re.compile(r"""b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*\"""")


def readable(data: bytes, limit: int = SHOWN) -> str:
    """Bytes as text without terminal codes; what is not UTF-8 or not printable is escaped."""
    return printable(data.decode("utf-8", "backslashreplace"), limit)


def without_quotes(error: str) -> str:
    """An error without its quotes from the message, such as a user's id."""
    return _QUOTED.sub("'…'", error)
