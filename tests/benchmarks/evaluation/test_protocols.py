from benchmarks.evaluation.log import Event
from benchmarks.evaluation.protocols import Step, steps_of, steps_of_tail


def click(user: str, item: str, at_ms: int) -> Event:
    return Event(user, item, "click", at_ms)


EVENTS = [click("u", f"i{number}", number) for number in range(10)]


def asked(steps: list[Step]) -> list[tuple[str, ...]]:
    return [step.question.targets for step in steps if step.question is not None]


def learned(steps: list[Step]) -> list[str]:
    return [step.event.item for step in steps if step.event is not None]


def test_prequential_asks_for_each_event_after_the_first_fifth_and_learns_all() -> None:
    steps = list(steps_of(EVENTS, "prequential"))
    assert asked(steps) == [(f"i{number}",) for number in range(2, 10)]
    assert learned(steps) == [f"i{number}" for number in range(10)]


def test_an_item_that_the_user_had_before_or_did_not_want_is_not_asked_for() -> None:
    again = [*EVENTS, click("u", "i9", 20), Event("u", "j", "dislike", 21), Event("u", "k", "view", 22)]
    assert asked(list(steps_of(again, "prequential")))[-1] == ("i9",)


def test_leave_last_learns_everything_but_the_last_wanted_event_of_each_user() -> None:
    steps = list(steps_of([*EVENTS, click("v", "i1", 20), click("v", "i2", 21)], "leave-last"))
    assert asked(steps) == [("i9",), ("i2",)]
    assert learned(steps) == [*(f"i{number}" for number in range(9)), "i1"]


def test_time_split_asks_once_a_user_for_all_that_comes_after() -> None:
    steps = list(steps_of(EVENTS, "time-split"))
    assert asked(steps) == [("i8", "i9")]
    assert learned(steps) == [f"i{number}" for number in range(8)]


def test_each_event_of_a_tail_is_asked_for_whatever_it_says() -> None:
    assert asked(list(steps_of_tail([Event("u", "j", "dislike", 1)]))) == [("j",)]
