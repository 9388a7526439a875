"""What lists and searches may be limited to, as query parameters: one dependency of the handlers that take them."""

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from features.vision.tags.readable import named, names
from sightline_client.events import ANSWER_LIMIT, EXCLUDED_LIMIT, Only
from sightline_client.fields import ATTRIBUTES_LIMIT
from web.problems import Problem

Count: TypeAlias = Annotated[
    int | None, QueryParameter(ge=1, le=ANSWER_LIMIT, description="Items at most; else as many as lists have")
]
Similarity: TypeAlias = Annotated[
    float | None, QueryParameter(ge=-1, le=1, description="Items that are less like it are left out")
]
_Category: TypeAlias = Annotated[str | None, QueryParameter(min_length=1, max_length=128)]
_Price: TypeAlias = Annotated[
    float | None, QueryParameter(ge=0, description="In any currency; items without a price are left out")
]
_Tag: TypeAlias = Annotated[
    str | None, QueryParameter(min_length=1, max_length=128, description="What pictures show, such as shirt or 衬衫")
]
_Exclude: TypeAlias = Annotated[
    list[str] | None, QueryParameter(max_items=EXCLUDED_LIMIT, description="Items to leave out; repeat the parameter")
]
_Attribute: TypeAlias = Annotated[
    list[str] | None,
    QueryParameter(
        max_items=ATTRIBUTES_LIMIT,
        description="A key and its value, such as brand:Acme; repeated, an item needs all of them",
    ),
]


async def limits_of(
    category: _Category = None,
    min_price: _Price = None,
    max_price: _Price = None,
    exclude: _Exclude = None,
    attribute: _Attribute = None,
    tag: _Tag = None,
) -> Only:
    """The limits that a request names; raises Problem for those that nothing can be within."""
    if min_price is not None and max_price is not None and min_price > max_price:
        detail = f"`min_price` {min_price:g} is above `max_price` {max_price:g}: exchange them"
        raise Problem(400, "No price is within the bounds", detail)
    shown = None if tag is None else _tag(tag)
    return Only(
        category=category,
        min_price=min_price,
        max_price=max_price,
        exclude=tuple(exclude or ()),
        attributes=_pairs(attribute or ()) or None,
        tag=shown,
    )


def _tag(text: str) -> str:
    name = named(text)
    if name is None:
        detail = f"`tag` {text!r} is none of: {', '.join(names())}"
        raise Problem(400, "There is no such tag", detail)
    return name


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = list(map(_pair, texts))
    attributes = dict(pairs)
    for key, value in pairs:
        if attributes[key] != value:
            detail = f"`attribute` names {key!r} with {value!r} and {attributes[key]!r}: no item has both, so name one"
            raise Problem(400, "An attribute has two values", detail)
    return attributes


def _pair(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not (key and colon and value):
        detail = f"`attribute` {text!r} is not a key and a value with a colon between, such as brand:Acme"
        raise Problem(400, "An attribute cannot be read", detail)
    return key, value


#: How a handler asks for them: `limits: FromLimits`.
FromLimits: TypeAlias = NamedDependency[SkipValidation[Only]]
#: For the app.
LIMITS: Final = {"limits": limits_of}
