"""The limits of a search."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from features.item import key_of
from features.vision.tags.readable import named
from sightline_client.events import Only


@dataclass(frozen=True, slots=True)
class Excluded:
    """What a shop leaves out of every answer: items and owners by key, categories, and attributes by key and value."""

    items: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()
    categories: frozenset[str] = frozenset()
    attributes: frozenset[tuple[str, str]] = frozenset()


NOTHING_EXCLUDED = Excluded()


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Only items of this category, with all these attributes, with a price within these bounds, in any currency, and
    with a picture that shows what this tag says.

    None means no limit. Bounds exclude items without a price. Items of an owner, by key, and those of the keys
    `without` are left out, and so is what the shop has `excluded`.
    """

    category: str | None = None
    min_price: float | None = None
    max_price: float | None = None
    not_of: int | None = None
    without: frozenset[int] = frozenset()
    attributes: tuple[tuple[str, str], ...] = ()
    excluded: Excluded = NOTHING_EXCLUDED
    tag: str | None = None

    @classmethod
    def of(
        cls,
        only: Only,
        *,
        not_of: int | None = None,
        without: Iterable[int] = (),
        excluded: Excluded = NOTHING_EXCLUDED,
    ) -> Self:
        """The limits that somebody asks for, less an owner's items, those of these keys, and what the shop excludes."""
        return cls(
            only.category,
            only.min_price,
            only.max_price,
            not_of,
            frozenset(without).union(map(key_of, only.exclude)),
            tuple((only.attributes or {}).items()),
            excluded,
            # What is no tag is on no picture.
            None if only.tag is None else (named(only.tag) or only.tag),
        )

    @property
    def is_narrow(self) -> bool:
        """Whether few of many items may be within the limits; what is left out are few items in any case.

        >>> SearchFilter(not_of=1, without=frozenset({2})).is_narrow, SearchFilter(max_price=0.0).is_narrow
        (False, True)
        """
        limits = (self.category, self.min_price, self.max_price, self.tag, self.attributes)
        return limits != (None, None, None, None, ())


NO_FILTER = SearchFilter()
