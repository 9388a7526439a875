import pytest

from tests.web.access.asking import caller
from web.access.rates import Rates
from web.problems import Problem


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(rates: Rates, name: str = "feed") -> bool:
    try:
        rates.take(caller(name))
    except Problem:
        return False
    return True


def test_a_caller_gets_two_seconds_of_requests_at_once_then_its_rate() -> None:
    clock = Clock()
    rates = Rates(5, clock)
    assert sum(taken(rates) for _ in range(50)) == 10
    clock.now += 1
    assert sum(taken(rates) for _ in range(50)) == 5
    clock.now += 1000
    assert sum(taken(rates) for _ in range(50)) == 10


def test_what_is_refused_does_not_count() -> None:
    clock = Clock()
    rates = Rates(1, clock)
    assert [taken(rates) for _ in range(1000)].count(True) == 2
    clock.now += 1
    assert taken(rates)


def test_a_rate_below_one_a_second_lets_one_in_and_says_how_long_to_wait() -> None:
    clock = Clock()
    rates = Rates(0.1, clock)
    assert taken(rates)
    with pytest.raises(Problem) as refused:
        rates.take(caller())
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "10"})
    clock.now += 10
    assert taken(rates)


def test_of_callers_without_number_the_first_are_forgotten() -> None:
    clock = Clock()
    rates = Rates(1, clock, limit=100)
    assert [taken(rates, "feed") for _ in range(3)] == [True, True, False]
    assert all(taken(rates, f"address {number}") for number in range(50))
    assert not taken(rates, "feed")
    assert all(taken(rates, f"address {number}") for number in range(10_000))
    assert len(rates) == 100
