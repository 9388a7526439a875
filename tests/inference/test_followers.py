from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from features.behaviour import UNKNOWN, Behaviour, Engagement, apply_engagement
from features.item import key_of
from inference.catalog import Catalog
from inference.followers import FADES_MS, Followers
from tests.worlds import DIMENSIONS, NOW, reds_and_blues


class Counting(Catalog):
    """Counts how often rows were looked up."""

    asked = 0

    def rows_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        self.asked += 1
        return super().rows_of(keys)


def followed_by(names: Sequence[str]) -> Behaviour:
    links = tuple((key_of(name), 1.0) for name in names)
    return apply_engagement(UNKNOWN, Engagement(0, NOW, 1.0, links, 0, 0))


@pytest.fixture
def catalog() -> Counting:
    catalog = Counting(DIMENSIONS)
    catalog.apply(reds_and_blues(4))
    return catalog


def test_followers_are_those_that_the_catalogue_has(catalog: Counting) -> None:
    found = Followers(catalog).of(1, followed_by(["red-1", "gone", "blue-2"]), NOW)

    assert [catalog.item_ids[row] for row in found.rows] == ["red-1", "blue-2"]
    assert found.keys.tolist() == [key_of("red-1"), key_of("blue-2")]
    assert found.strengths.tolist() == pytest.approx([1 / 8, 1 / 8])


def test_an_item_nobody_follows_has_no_followers(catalog: Counting) -> None:
    assert len(Followers(catalog).of(1, UNKNOWN, NOW).rows) == 0


def test_rows_are_looked_up_once_for_each_behaviour(catalog: Counting) -> None:
    followers, behaviour = Followers(catalog), followed_by(["red-1"])
    for at in (NOW, NOW + 1, NOW + FADES_MS - 1):
        followers.of(1, behaviour, at)
    assert catalog.asked == 1

    followers.of(1, followed_by(["red-2"]), NOW)
    assert catalog.asked == 2


def test_strengths_are_worked_out_anew_after_a_while(catalog: Counting) -> None:
    followers, behaviour = Followers(catalog), followed_by(["red-1"])
    first, later = (followers.of(1, behaviour, NOW + age) for age in (0, 10**10))

    assert later.strengths[0] < first.strengths[0]


def test_no_more_items_are_remembered_than_the_limit(catalog: Counting) -> None:
    followers, behaviour = Followers(catalog, limit=2), followed_by(["red-1"])
    for item in (1, 2, 3, 1):
        followers.of(item, behaviour, NOW)
    assert catalog.asked == 4
