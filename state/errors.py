"""Errors of the state.

StateError
├── StateUnavailable   retry: Redis is away, loading, read-only, full or busy
└── StateCorrupt       never retry: this code did not write the value
"""


class StateError(Exception):
    """The root of this package's errors."""


class StateUnavailable(StateError):
    """The state store cannot answer now. Nothing is known to be lost, and the same call may be repeated."""


class StateCorrupt(StateError):
    """A stored value does not decode; the message says which kind of value."""


class OldKeys(StateError):
    """The state lies under the key names of a version before; the message says what to do."""
