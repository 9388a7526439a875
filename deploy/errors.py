"""What can go wrong with the services on this machine."""


class StackError(RuntimeError):
    """A service cannot be had; the message says which, why, and what to do."""


class NoAnswerError(StackError):
    """Nothing healthy answers at an address; it may yet come up."""
