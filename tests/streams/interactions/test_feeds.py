"""What finds items alike for those who have no list of them: the web door."""

import numpy as np

from features.search_filter import NO_FILTER
from tests.harness.interactions import DIMENSIONS, Hub
from tests.harness.shop_rules import rule, shop_rules


async def test_what_the_shop_excludes_is_not_found_and_comes_back_with_the_rule_gone() -> None:
    hub, red = Hub(), np.eye(1, DIMENSIONS, dtype=np.float32)[0]
    feeds = hub.lists().feeds

    async def is_found(name: str) -> bool:
        rows = await feeds.find_similar(red, 8, NO_FILTER)
        return name in {hub.catalog.item_ids[row] for row in rows.tolist()}

    assert await is_found("red3")
    hub.shop_rules = shop_rules(rule("exclude", items=["red3"]))
    assert not await is_found("red3")
    hub.shop_rules = None
    assert await is_found("red3")
