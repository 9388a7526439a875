"""What can go wrong between the topics.

StreamError
└── InvalidEvent      never retried: the message goes to the dead letters with `reason`
"""


class StreamError(Exception):
    """The root of this package's errors."""


class InvalidEvent(StreamError):
    """A message that can never be used; `reason` is a short stable code for metrics and dead letters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
