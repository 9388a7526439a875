"""The limits of a search."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Only items of this category and with a price within these bounds, in any currency; None means no limit.

    Bounds exclude items without a price.
    """

    category: str | None = None
    min_price: float | None = None
    max_price: float | None = None

    def __bool__(self) -> bool:
        """Whether there is any limit.

        >>> bool(SearchFilter()), bool(SearchFilter(max_price=0.0))
        (False, True)
        """
        return (self.category, self.min_price, self.max_price) != (None, None, None)


NO_FILTER = SearchFilter()
