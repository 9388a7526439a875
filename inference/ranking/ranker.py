"""What a list says about how it was ordered."""

from typing import Protocol


class Ranker(Protocol):
    """Something that orders items; a new version orders the same items otherwise."""

    @property
    def name(self) -> str:
        """The name on the wire."""
        ...

    @property
    def version(self) -> int:
        """The version on the wire."""
        ...


def label(ranker: Ranker) -> str:
    """The ranker as lists name it, like `weighted@2`."""
    return f"{ranker.name}@{ranker.version}"
