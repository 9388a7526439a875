from streams.interactions.allowance import Allowance


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_fills_with_time_up_to_its_limit() -> None:
    clock = Seconds()
    allowance = Allowance(2.0, most=10.0, clock_s=clock)
    allowance.use(10.0)
    found = []
    for clock.now in (0.0, 1.0, 3.0, 100.0):
        found.append(allowance.left())

    assert found == [0.0, 2.0, 6.0, 10.0]


def test_a_debt_waits_until_it_is_paid() -> None:
    clock = Seconds()
    allowance = Allowance(0.05, most=0.05, clock_s=clock)
    allowance.use(0.15)
    clock.now = 1.0
    assert allowance.left() < 0
    clock.now = 2.5
    assert allowance.left() > 0


def test_the_time_of_a_block_is_used_and_told() -> None:
    clock, told = Seconds(), list[float]()
    allowance = Allowance(0.0, most=1.0, clock_s=clock, observe=told.append)
    with allowance.timed():
        clock.now = 0.25

    assert (allowance.left(), told) == (0.75, [0.25])
