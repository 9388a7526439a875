"""What rises: looks, categories and colours that users choose more in the last hour than in the weeks before."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

RisingKind: TypeAlias = Literal["looks", "categories", "colours"]
#: What one record names at most: the rising things of a kind, and the items of each.
RISING_LIMIT = 10
RISING_ITEMS_LIMIT = 12


class Rising(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that rises.

    `name` is a category, a colour, or, of a look, the id of the item that stands for it. `lift` is its share of what
    users chose in about the last hour, against its share in the weeks before (1: nothing changed); `share` is that of
    the last hour, 0 to 1. `items` are the items that make it rise, the strongest first.
    """

    name: str
    lift: float
    share: float
    items: list[str]


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    """All that rises of one kind (topic trends, key: the kind), the most surprising first. The latest record counts."""

    kind: RisingKind
    at_ms: int
    rising: Annotated[list[Rising], Meta(max_length=RISING_LIMIT)]
