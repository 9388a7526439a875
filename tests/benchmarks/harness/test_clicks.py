from collections import Counter

import msgspec
import pytest

from benchmarks.harness.clicks import BUSY, HOT_ITEM, SPARSE, Skew, draw_skewed_clicks
from benchmarks.harness.load import Event
from sightline_client.routing import partition_of
from streams.wire.events import Interaction

PARTITIONS = 12


def draw(skew: Skew, name: str = "c") -> list[Event]:
    return draw_skewed_clicks(name, 2000, 200, skew, users=500, items=300, partitions=PARTITIONS)


def shares(clicks: list[Event]) -> dict[int, float]:
    counts = Counter(partition_of(click.key, PARTITIONS) for click in clicks)
    return {partition: count / len(clicks) for partition, count in counts.items()}


def test_one_partition_is_busy_one_is_sparse_and_the_others_share_the_rest() -> None:
    found = shares(draw(Skew(busy=0.5, sparse=0.02)))

    assert found.pop(BUSY) == pytest.approx(0.5, abs=0.05)
    assert found.pop(SPARSE) == pytest.approx(0.02, abs=0.015)
    assert len(found) == PARTITIONS - 2
    assert max(found.values()) < 0.15


def test_the_busy_partition_may_be_that_of_one_user() -> None:
    clicks = draw(Skew(one_user=True))

    assert len({click.key for click in clicks if partition_of(click.key, PARTITIONS) == BUSY}) == 1


def test_half_of_all_clicks_may_be_on_one_item() -> None:
    items = Counter(msgspec.json.decode(click.value, type=Interaction).item_id for click in draw(Skew(hot_item=0.5)))

    assert items[f"item-{HOT_ITEM}"] == pytest.approx(1000, abs=100)


def test_the_same_name_gives_the_same_clicks_and_another_one_others() -> None:
    def keys(name: str) -> list[bytes]:
        return [click.key for click in draw(Skew(), name)]

    assert keys("a") == keys("a")
    assert keys("a") != keys("b")
