"""Where the next page of a list begins: after all that the pages before showed.

A list changes with every event, so that a number of a page would repeat items and leave others out. The cursor names
what was shown, and the next page is the best of the rest. The process remembers nothing.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

import numpy as np

from features.item import key_of
from web.problems import Problem

#: Items that pages may show one after the other.
SHOWN_LIMIT: Final = 1000
_KEY: Final = "<u8"
_WIDTH: Final = 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """The keys of the items that the pages of a user's list showed so far."""

    shown: tuple[int, ...] = ()

    def after(self, item_ids: list[str]) -> "Cursor":
        """The cursor behind one more page."""
        return Cursor((*self.shown, *map(key_of, item_ids)))

    def encode(self, user_id: str) -> str:
        """The cursor as text for a URL, good for this user alone: 11 characters an item."""
        keys = np.array([key_of(user_id), *self.shown], _KEY).tobytes()
        return base64.urlsafe_b64encode(keys).decode().rstrip("=")


def read_cursor(text: str | None, user_id: str) -> Cursor:
    """The cursor that a page gave; raises Problem for any other text, and for that of another user.

    >>> read_cursor(Cursor((1, 2)).encode("ann"), "ann").shown
    (1, 2)
    """
    if text is None:
        return Cursor()
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad("it was cut or changed") from None
    if len(data) < _WIDTH or len(data) % _WIDTH or len(data) > _WIDTH * (SHOWN_LIMIT + 1):
        raise _bad("it was cut or changed")
    user, *shown = np.frombuffer(data, _KEY).tolist()
    if user != key_of(user_id):
        raise _bad("it belongs to another user's list")
    return Cursor(tuple(shown))


def _bad(why: str) -> Problem:
    return Problem(
        400,
        "The cursor is not one of this list",
        f"`cursor`: {why}. Leave it out for the first page, and pass it on as it came",
    )
