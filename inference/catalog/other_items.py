"""The items that have no row: another encoder made their vectors, or the vectors have another length."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple


class OtherItem(NamedTuple):
    """`owner` is the key of the owner's id, 0 for none; `encoder` is None where the vectors have another length."""

    item_id: str
    owner: int
    encoder: str | None


class OtherItems:
    """Items by key, and how many each encoder has."""

    def __init__(self) -> None:
        self._items: dict[int, OtherItem] = {}
        self._encoders: Counter[str] = Counter()

    def add(self, key: int, item: OtherItem) -> None:
        """Add an item that is not here."""
        self._items[key] = item
        if item.encoder is not None:
            self._encoders[item.encoder] += 1

    def discard(self, key: int) -> None:
        """Remove an item, if it is here."""
        item = self._items.pop(key, None)
        if item is not None and item.encoder is not None:
            self._encoders[item.encoder] -= 1

    def most_common_encoder(self) -> tuple[str | None, int]:
        """The encoder of most items, and of how many; (None, 0) where there is none."""
        return next(iter(self._encoders.most_common(1)), (None, 0))

    def __iter__(self) -> Iterator[OtherItem]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)
