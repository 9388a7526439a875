"""The limits that searches have in common, as query parameters."""

from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from sightline_client.events import ANSWER_LIMIT, EXCLUDED_LIMIT, Only

Count: TypeAlias = Annotated[
    int | None, QueryParameter(ge=1, le=ANSWER_LIMIT, description="Items at most; else as many as lists have")
]
Category: TypeAlias = Annotated[str | None, QueryParameter(min_length=1, max_length=128)]
Price: TypeAlias = Annotated[
    float | None, QueryParameter(ge=0, description="In any currency; items without a price are left out")
]
Similarity: TypeAlias = Annotated[
    float | None, QueryParameter(ge=-1, le=1, description="Items that are less like it are left out")
]
Exclude: TypeAlias = Annotated[
    list[str] | None, QueryParameter(max_items=EXCLUDED_LIMIT, description="Items to leave out; repeat the parameter")
]


def only(
    category: str | None,
    min_price: float | None,
    max_price: float | None,
    min_similarity: float | None,
    exclude: list[str] | None,
) -> Only | None:
    """What a query is limited to; None for no limits."""
    found = Only(
        category=category,
        min_price=min_price,
        max_price=max_price,
        min_similarity=min_similarity,
        exclude=tuple(exclude or ()),
    )
    return None if found == Only() else found
