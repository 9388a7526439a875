from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.co_choices.neighbours import HALF_LIFE_S, NEIGHBOURS_LIMIT, Links, is_full, link
from features.ledger import EMPTY

HALF_LIFE_MS = int(1000 * HALF_LIFE_S)


def linked(*given_links: tuple[int, float, int], before: NDArray[np.void] = EMPTY) -> NDArray[np.void]:
    """The neighbours after links of (item, weight, time in ms)."""
    links = Links()
    for item, weight, at_ms in given_links:
        links.add(1, item, weight, at_ms)
    return link({1: before}, links)[1]


def weights(entries: NDArray[np.void]) -> dict[int, float]:
    return {int(item): float(weight) for item, weight, _ in entries.tolist()}


def test_a_weight_has_no_upper_bound() -> None:
    assert weights(linked(*[(2, 1.0, 0)] * 5000, (3, 1.0, 0))) == {2: 5000.0, 3: 1.0}


def test_a_weight_halves_in_ten_years_by_the_clock_of_its_item() -> None:
    assert linked((2, 1.0, 0), (2, 1.0, HALF_LIFE_MS)).tolist() == [(2, 1.5, HALF_LIFE_S)]


@pytest.mark.parametrize("at_ms", [0, -(2**60), 2**32 * 1000 - 1])
def test_equal_times_and_times_before_1970_fade_nothing(at_ms: int) -> None:
    assert weights(linked((2, 1.0, at_ms), (2, 1.0, at_ms), (3, 1.0, at_ms))) == {2: 2.0, 3: 1.0}


LINKS = st.tuples(st.integers(2, 9), st.floats(0.1, 1), st.integers(0, 2 * HALF_LIFE_MS))


@given(st.lists(LINKS, min_size=1, max_size=30), st.randoms())
def test_until_the_ledger_is_full_the_order_of_links_does_not_matter(
    links: list[tuple[int, float, int]], chance: Random
) -> None:
    one, other = linked(*links), linked(*chance.sample(links, len(links)))

    assert not is_full(one)
    assert weights(one) == {item: pytest.approx(weight, rel=1e-4) for item, weight in weights(other).items()}


def test_a_link_leaves_the_ledger_of_the_store_as_it_was() -> None:
    stored = np.frombuffer(linked((2, 1.0, 0)).tobytes(), EMPTY.dtype)

    assert weights(linked((2, 1.0, 0), before=stored)) == {2: 2.0}
    assert weights(stored) == {2: 1.0}


FULL = linked(*((n, 9.0, 1000 * n) for n in range(2, 2 + NEIGHBOURS_LIMIT)))


def test_the_ledger_is_bounded_and_holds_the_newcomer() -> None:
    entries = linked((99, 1.0, 10**6), before=FULL)

    assert is_full(FULL)
    assert len(entries) == NEIGHBOURS_LIMIT == 48
    assert 99 in entries["item"]


def test_newcomers_wait_for_a_second_link_in_the_places_of_the_faint() -> None:
    faint = linked(*((n, 90.0, 1000 * n) for n in range(2, 44)), *((n, 1.0, 1000 * n) for n in range(44, 50)))
    after = linked((60, 1.0, 10**6), (61, 1.0, 10**6 + 1000), (60, 1.0, 10**6 + 2000), before=faint)

    assert weights(after)[60] == pytest.approx(2.0, rel=1e-2)
    assert {44, 45} == set(weights(faint)) - set(weights(after))


def test_a_full_ledger_follows_what_is_chosen_now() -> None:
    chance = Random(5)

    def choose(first: int, count: int, before: NDArray[np.void]) -> NDArray[np.void]:
        items = chance.choices(range(first, first + 500), [1 / (n + 3) for n in range(500)], k=count)
        return linked(*((item, 0.7, 10**9) for item in items), before=before)

    def among_best(entries: NDArray[np.void], first: int) -> int:
        best = entries[np.argsort(-entries["weight"])[:10]]["item"]
        return int(((best >= first) & (best < first + 10)).sum())

    entries = choose(1000, 20_000, EMPTY)
    assert among_best(entries, 1000) >= 8
    assert among_best(choose(5000, 8000, entries), 5000) >= 8
