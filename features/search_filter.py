"""What a search is limited to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Only items of this category, and of a price within these bounds, in whatever currency; None: no matter.

    An item whose price nobody told is of no price: bounds leave it out.
    """

    category: str | None = None
    min_price: float | None = None
    max_price: float | None = None

    def __bool__(self) -> bool:
        """Whether it limits anything.

        >>> bool(SearchFilter()), bool(SearchFilter(max_price=0.0))
        (False, True)
        """
        return (self.category, self.min_price, self.max_price) != (None, None, None)


NO_FILTER = SearchFilter()
