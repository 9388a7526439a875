"""Limits of lists and searches, as an address names them."""

from typing import Any

import httpx
import pytest

from features.item import key_of
from features.search_filter import NO_FILTER, SearchFilter
from sightline_client.events import Only
from web.parameters import limits_of
from web.problems import Problem


async def test_no_limits_are_none() -> None:
    limits = await limits_of()
    assert (limits, SearchFilter.of(limits)) == (Only(), NO_FILTER)


async def test_a_query_and_a_list_have_the_same_limits() -> None:
    limits = await limits_of("shoes", 1.0, 2.0, ["i1"], ["brand:Acme", "size:42:wide"], "鞋")
    attributes = (("brand", "Acme"), ("size", "42:wide"))
    left_out = frozenset({key_of("i1"), 7})
    expected = SearchFilter("shoes", 1.0, 2.0, without=left_out, attributes=attributes, tag="shoe")
    assert SearchFilter.of(limits, without=[7]) == expected
    assert limits == Only(
        category="shoes",
        min_price=1.0,
        max_price=2.0,
        exclude=("i1",),
        attributes=dict(attributes),
        tag="shoe",
    )


async def test_bounds_of_equal_prices_are_kept_and_exchanged_ones_refused() -> None:
    assert (await limits_of(min_price=2.0, max_price=2.0)).min_price == 2.0
    with pytest.raises(Problem, match="`min_price` 3 is above `max_price` 2"):
        await limits_of(min_price=3.0, max_price=2.0)


@pytest.mark.parametrize("attribute", ["", "brand", "brand:", ":Acme"])
async def test_an_attribute_that_is_no_pair_is_refused(attribute: str) -> None:
    with pytest.raises(Problem, match="not a key and a value"):
        await limits_of(attribute=[attribute])


async def test_two_values_of_one_key_are_refused_and_one_twice_is_one() -> None:
    with pytest.raises(Problem, match="'size' with 'M' and 'L': no item has both"):
        await limits_of(attribute=["size:M", "brand:Acme", "size:L"])
    assert (await limits_of(attribute=["size:M", "size:M"])).attributes == {"size": "M"}


async def test_what_is_no_tag_is_refused_with_those_that_are() -> None:
    with pytest.raises(Problem, match=r"'shooe' is none of: fish, .*shoe"):
        await limits_of(tag="shooe")


@pytest.mark.parametrize("path", ["/v1/users/u1/recommendations", "/v1/items/red0/similar"])
async def test_limits_hold_at_each_route(client: httpx.AsyncClient, path: str) -> None:
    async def found(**limits: Any) -> list[str]:
        answer = await client.get(path, params={"count": 4, **limits})
        assert answer.status_code == 200, answer.text
        return [each["item_id"] for each in answer.json()["items"]]

    first = await found()
    assert not set(first) & set(await found(exclude=first))
    assert await found(attribute="brand:none such") == []
    assert await found(tag="umbrella") == []
    assert (await client.get(path, params={"min_price": 2, "max_price": 1})).status_code == 400
