"""What can go wrong with the state.

StateError
├── StateUnavailable   try again: Redis is away, loading, read-only, full or busy
└── StateCorrupt       never retried: a value that this code did not write
"""


class StateError(Exception):
    """The root of this package's errors."""


class StateUnavailable(StateError):
    """The state store cannot answer now; nothing is known to have been lost, and the same call may be made again."""


class StateCorrupt(StateError):
    """A stored value does not decode; the message names the key."""
