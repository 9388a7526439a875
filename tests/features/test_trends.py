from dataclasses import replace

import numpy as np

from features.behaviour import Behaviour
from features.ledger import EMPTY
from features.trends import NO_TRENDS, TRENDS_LIMIT, at_time, update_trends
from tests.harness.catalog import NOW

HOUR = 3_600_000


def behaviour(popular: float, trend: float, at_ms: int = NOW) -> Behaviour:
    return Behaviour(EMPTY, popular, trend, at_ms)


def test_a_changed_item_enters_the_table() -> None:
    assert update_trends(NO_TRENDS, {7: behaviour(2, 1)}, NOW).tolist() == [(7, 2.0, 1.0, NOW // 1000)]


def test_an_item_stands_in_the_table_once() -> None:
    table = update_trends(NO_TRENDS, {7: behaviour(2, 1), 8: behaviour(1, 1)}, NOW)

    assert update_trends(table, {7: behaviour(3, 2)}, NOW)[["item", "popular"]].tolist() == [(8, 1.0), (7, 3.0)]


def test_no_change_changes_nothing() -> None:
    table = update_trends(NO_TRENDS, {7: behaviour(2, 1)}, NOW)

    assert update_trends(table, {}, NOW).tolist() == table.tolist()
    assert len(update_trends(NO_TRENDS, {}, NOW)) == 0


def test_past_the_limit_the_least_popular_goes() -> None:
    ranked = {n: behaviour(1 + n, 1 + n) for n in range(TRENDS_LIMIT + 1)}
    table = update_trends(NO_TRENDS, ranked, NOW)

    assert len(table) == TRENDS_LIMIT == 256
    assert 0 not in table["item"]


def test_a_riser_is_not_pushed_out_by_old_favourites() -> None:
    favourites = {n: behaviour(1000 + n, 0) for n in range(TRENDS_LIMIT)}
    table = update_trends(update_trends(NO_TRENDS, favourites, NOW), {999: behaviour(1, 1)}, NOW)

    assert 999 in table["item"]
    assert 0 not in table["item"]


def test_old_trends_are_compared_as_of_now() -> None:
    stale = {n: behaviour(100, 100, at_ms=NOW - 240 * HOUR) for n in range(TRENDS_LIMIT)}
    table = update_trends(update_trends(NO_TRENDS, stale, NOW), {999: behaviour(90, 90)}, NOW)

    assert 999 in table["item"]


def test_sums_decay_to_the_given_time() -> None:
    popular, trend = at_time(update_trends(NO_TRENDS, {7: behaviour(2, 2)}, NOW), NOW + HOUR)

    assert trend.tolist() == [1.0]
    assert 1.98 < popular[0] < 2.0
    assert popular.dtype == trend.dtype == np.float32


def test_sums_do_not_grow_for_earlier_times() -> None:
    popular, trend = at_time(update_trends(NO_TRENDS, {7: behaviour(2, 2)}, NOW), NOW - HOUR)

    assert (popular.tolist(), trend.tolist()) == ([2.0], [2.0])


def test_an_item_is_shown_when_enough_users_made_it_popular() -> None:
    changed = {7: replace(behaviour(2, 1), user_bitmap=0b11), 8: replace(behaviour(2, 1), user_bitmap=0b111)}
    assert update_trends(NO_TRENDS, changed, NOW, min_users=3)["item"].tolist() == [8]


def test_what_users_only_saw_is_neither_popular_nor_trending() -> None:
    changed = {7: replace(behaviour(0, 0), met_bitmap=2**60 - 1), 8: behaviour(1, 1)}
    table = update_trends(NO_TRENDS, changed, NOW)
    assert table["item"].tolist() == [8]


def test_an_item_that_lost_its_users_is_no_longer_shown() -> None:
    table = update_trends(NO_TRENDS, {7: replace(behaviour(2, 1), user_bitmap=0b11)}, NOW, min_users=2)
    assert update_trends(table, {7: replace(behaviour(2, 1), user_bitmap=0b1)}, NOW, min_users=2).tolist() == []
