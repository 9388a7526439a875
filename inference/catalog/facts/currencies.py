"""Currencies as numbers, so that prices are compared only where their currencies are the same."""

from typing import Final

#: 0 stands for no letter.
_BASE: Final = 27
_BEFORE_A: Final = ord("A") - 1


def currency_code(currency: str | None) -> int:
    """The number of three capital letters, 1 to 19,682; 0 for none, and for what is no such code.

    >>> currency_code("EUR"), currency_code(None), currency_code("euro")
    (4230, 0, 0)
    """
    if currency is None or len(currency) != 3 or not all("A" <= letter <= "Z" for letter in currency):
        return 0
    first, second, third = (ord(letter) - _BEFORE_A for letter in currency)
    return (first * _BASE + second) * _BASE + third


def currency_name(code: int) -> str | None:
    """The currency with this number; None for 0.

    >>> currency_name(currency_code("EUR"))
    'EUR'
    """
    if not code:
        return None
    letters = (code // _BASE**2, code // _BASE % _BASE, code % _BASE)
    return "".join(chr(letter + _BEFORE_A) for letter in letters)
