"""The items whose vectors cannot be compared with the catalogue's: of another encoder, or of another length."""

from collections import Counter
from collections.abc import Mapping


class OtherEncoders:
    """The encoder of each of these items, by key, None where the vectors have another length; and how many each has."""

    def __init__(self) -> None:
        self._items: dict[int, str | None] = {}
        self._encoders: Counter[str] = Counter()

    def add(self, key: int, encoder: str | None) -> None:
        """Add an item that is not here."""
        self._items[key] = encoder
        if encoder is not None:
            self._encoders[encoder] += 1

    def discard(self, key: int) -> None:
        """Remove an item, if it is here."""
        encoder = self._items.pop(key, None)
        if encoder is not None:
            self._encoders[encoder] -= 1

    def most_common(self) -> tuple[str | None, int]:
        """The encoder of most items, and of how many; (None, 0) where there is none."""
        return next(iter(self._encoders.most_common(1)), (None, 0))

    @property
    def items(self) -> Mapping[int, str | None]:
        """The encoder of each item, by key: not a copy."""
        return self._items

    def __len__(self) -> int:
        return len(self._items)
