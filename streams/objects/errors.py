"""The errors of object stores."""

from streams.errors import StreamError


class ObjectMissing(StreamError):
    """The store has no such object; maybe not yet."""


class ObjectsUnavailable(StreamError):
    """The store does not answer, or takes nothing; try again."""


class ObjectTooLarge(Exception):
    """An object has more bytes than are read; each room that reads objects says what that means there."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(f"{size} bytes, more than {most}")
