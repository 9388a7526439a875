"""What looks like an item, and what rises."""

import httpx
import pytest

from sightline_client.trends import Rising, Trends
from tests.harness.shop_rules import rule, shop_rules
from tests.harness.web import Door


async def ids(client: httpx.AsyncClient, item: str, **params: str) -> list[str]:
    answer = await client.get(f"/v1/items/{item}/similar", params=params)
    assert answer.status_code == 200, answer.text
    return [each["item_id"] for each in answer.json()["items"]]


async def test_what_looks_like_an_item_comes_first_without_the_item(client: httpx.AsyncClient) -> None:
    found = await ids(client, "red0", count="3")
    assert len(found) == 3
    assert all(name.startswith("red") and name != "red0" for name in found)
    assert found[0] not in await ids(client, "red0", count="3", exclude=found[0])


async def test_what_the_shop_excludes_is_not_found(door: Door, client: httpx.AsyncClient) -> None:
    found = await ids(client, "red0", count="3")
    door.hub.shop_rules = shop_rules(rule("exclude", items=[found[0]]))
    assert found[0] not in await ids(client, "red0", count="3")


async def test_least_similarity_leaves_out(client: httpx.AsyncClient) -> None:
    scores = [each["score"] for each in (await client.get("/v1/items/red0/similar")).json()["items"]]
    least = scores[2]
    assert len(await ids(client, "red0", min_similarity=str(least))) == sum(score >= least for score in scores)


@pytest.mark.parametrize(("item", "status"), [("nothing", 404), ("%FF", 400)])
async def test_an_item_that_is_not_there_is_a_problem(client: httpx.AsyncClient, item: str, status: int) -> None:
    assert (await client.get(f"/v1/items/{item}/similar")).status_code == status


async def test_trends_are_the_latest_of_each_kind(door: Door, client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/trends")).json() == {"trends": []}
    door.tail.trends["colours"] = Trends(
        kind="colours", at_ms=1, rising=[Rising(name="red", lift=2.0, share=0.5, items=["red0"])]
    )
    (trends,) = (await client.get("/v1/trends")).json()["trends"]
    assert (trends["kind"], trends["rising"][0]["name"]) == ("colours", "red")


async def test_operations_have_every_worker_also_one_that_is_away(client: httpx.AsyncClient) -> None:
    (own,) = (await client.get("/v1/operations")).json()["workers"]
    assert (own["address"], own["up"]) == ("web", True)
    assert own["metrics"]
    assert all(name.startswith("sightline_") for name in own["metrics"])
