"""Errors of the services on this machine."""


class StackError(RuntimeError):
    """A service is not available; the message says which, why, and what to do."""


class NoAnswerError(StackError):
    """No healthy service answers at an address; it may still start, or `remedy` says how to fix a refused login."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
