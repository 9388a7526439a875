from streams.logs import Seldom


class Clock:
    """Stands still at `now_s`."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_of_many_lines_of_a_kind_one_is_let_by_and_the_next_tells_how_many_were_not() -> None:
    clock = Clock()
    seldom = Seldom(10.0, clock_s=clock)
    assert [seldom.left_out("bad_json") for _ in range(1000)] == [0] + [None] * 999
    clock.now_s = 9.9
    assert seldom.left_out("bad_json") is None
    clock.now_s = 10.0
    assert seldom.left_out("bad_json") == 1000
    clock.now_s = 20.0
    assert seldom.left_out("bad_json") == 0


def test_kinds_do_not_hide_each_other() -> None:
    seldom = Seldom(10.0, clock_s=Clock())
    assert (seldom.left_out("a", "b"), seldom.left_out("a", "c"), seldom.left_out("a", "b")) == (0, 0, None)
