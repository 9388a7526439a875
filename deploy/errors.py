"""What can go wrong with the services on this machine."""


class StackError(RuntimeError):
    """A service cannot be had; the message says which, why, and what to do."""


class NoAnswerError(StackError):
    """Nothing healthy answers at an address; it may yet come up, or `remedy` says what to do about a refusal."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
