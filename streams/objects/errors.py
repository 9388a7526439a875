"""The errors of object stores."""

from streams.errors import StreamError


class ObjectMissing(StreamError):
    """The store has no such object; maybe not yet."""


class ObjectsUnavailable(StreamError):
    """The store does not answer, or takes nothing; try again."""
