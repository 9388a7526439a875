"""Makes content of dead letters safe to print: no terminal codes, and for lists no personal data."""

import re

_QUOTED = re.compile(r"""b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*\"""")


def readable(data: bytes) -> str:
    """Bytes as text without terminal codes; what is not UTF-8 or not printable is escaped."""
    return printable(data.decode("utf-8", "backslashreplace"))


def printable(text: str) -> str:
    """Text whose control characters and other unprintable characters are escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def without_quotes(error: str) -> str:
    """An error without its quotes from the message, such as a user's id."""
    return _QUOTED.sub("'…'", error)
