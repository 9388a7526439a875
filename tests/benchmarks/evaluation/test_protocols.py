from collections.abc import Sequence
from typing import Any

from benchmarks.evaluation.log import Event
from benchmarks.evaluation.protocols import Step, Wanted, steps_of, steps_of_tail, wanted_in


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


def seen(item: str, at_ms: int, rec_id: str | None = None, user: str = "u") -> Event:
    return Event(user, item, "view", at_ms, rec_id=rec_id)


def places(*events: Event) -> list[Wanted]:
    return wanted_in(events)


def test_what_was_seen_in_a_list_is_asked_for_before_its_first_impression() -> None:
    assert places(seen("a", 0, "1"), seen("b", 1, "1"), click("u", "b", 2)) == [Wanted(2, asked=0)]
    # A list of another user, one of before, and one that showed it again.
    others = seen("b", 0, "1", user="v"), seen("a", 1, "0"), seen("b", 2, "1"), seen("b", 3, "2")
    assert places(*others, click("u", "b", 4)) == [Wanted(4, asked=2)]


def test_without_a_list_impressions_since_the_users_last_act_are_of_one() -> None:
    run = click("u", "x", 0), seen("a", 1), seen("z", 2, user="v"), seen("b", 3), click("u", "b", 4)
    assert places(*run) == [Wanted(0, asked=0), Wanted(4, asked=1)]


def test_what_was_only_viewed_before_is_asked_for_and_what_was_uploaded_refused_or_clicked_is_not() -> None:
    look = Event("u", "a", "view", 0, dwell_ms=500)
    assert places(look, click("u", "a", 1), click("u", "a", 2)) == [Wanted(1, asked=0)]
    assert places(seen("b", 0), seen("a", 1), look, Event("u", "a", "cart", 3)) == [Wanted(3, asked=0)]
    assert (
        places(Event("u", "b", "upload", 1), Event("u", "a", "hide", 2), click("u", "b", 3), click("u", "a", 4)) == []
    )


def test_all_that_was_wanted_of_a_list_is_asked_for_at_once() -> None:
    shown = [*EVENTS, seen("a", 10), seen("b", 11), click("u", "a", 12), click("u", "b", 13)]
    steps = list(steps_of(shown, "prequential"))
    assert asked(steps)[-1] == ("a", "b")
    assert [step.question.at_ms for step in steps if step.question is not None][-1] == 10
    assert len(learned(steps)) == len(shown)


def test_leave_last_leaves_out_the_list_in_which_the_last_item_was_seen() -> None:
    shown = [*EVENTS, seen("a", 10), seen("v-1", 11, user="v"), seen("b", 12), click("u", "b", 13)]
    steps = list(steps_of(shown, "leave-last"))
    assert asked(steps) == [("b",)]
    assert learned(steps) == [*(f"i{number}" for number in range(10)), "v-1"]


def test_leave_last_leaves_out_what_the_user_did_with_the_item_afterwards() -> None:
    again = [*EVENTS, Event("u", "i9", "purchase", 10), seen("i9", 11, user="v"), Event("u", "i3", "like", 12)]
    steps = list(steps_of(again, "leave-last"))
    assert asked(steps) == [("i9",)]
    assert learned(steps) == [*(f"i{number}" for number in range(9)), "i9", "i3"]


class Read(Sequence[Event]):
    """Events that say how often one was read."""

    def __init__(self, events: list[Event]) -> None:
        self._events, self.times = events, 0

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, place: Any) -> Any:
        self.times += 1
        return self._events[place]


def test_leave_last_reads_each_event_a_few_times_however_many_users_there_are() -> None:
    """Each user saw the item in the first list of all, and clicks it at the end."""
    users = [f"u{number}" for number in range(100)]
    log = Read([seen("a", at, "1", user) for at, user in enumerate(users)] + [click(user, "a", 200) for user in users])
    assert len(asked(list(steps_of(log, "leave-last")))) == len(users)
    assert log.times < 10 * len(log)


def test_a_time_split_asks_for_nothing_that_was_seen_before_it() -> None:
    shown = [*EVENTS[:7], seen("a", 7), click("u", "b", 8), click("u", "a", 9)]
    assert asked(list(steps_of(shown, "time-split"))) == [("b",)]


def test_each_event_of_a_tail_is_asked_for_whatever_it_says() -> None:
    assert asked(list(steps_of_tail([Event("u", "j", "dislike", 1)]))) == [("j",)]
