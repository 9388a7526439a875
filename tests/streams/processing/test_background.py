import asyncio

import pytest

from streams.processing.background import end, every, failure_of


class Looks:
    """Counts the looks, and says when there were three; raises what it is given at the first ones."""

    def __init__(self, *errors: Exception) -> None:
        self.count = 0
        self.three = asyncio.Event()
        self._errors = list(errors)

    async def __call__(self) -> None:
        self.count += 1
        if self.count == 3:
            self.three.set()
        if self._errors:
            raise self._errors.pop(0)


async def test_a_look_is_repeated_until_it_is_ended() -> None:
    looks = Looks()
    task = every(0.001, looks, name="looks")
    assert looks.count == 0
    await asyncio.wait_for(looks.three.wait(), 20)
    await end(task)
    assert (task.cancelled(), failure_of(task), task.get_name()) == (True, None, "looks")


async def test_an_error_that_is_passed_over_ends_one_look_only() -> None:
    looks = Looks(ValueError(), ValueError())
    task = every(0.001, looks, name="looks", passing_over=(ValueError,))
    await asyncio.wait_for(looks.three.wait(), 20)
    await end(task)


async def test_any_other_error_is_the_failure() -> None:
    looks = Looks(KeyError("a bug"))
    task = every(0.001, looks, name="looks", passing_over=(ValueError,))
    await asyncio.wait({task})
    assert isinstance(failure_of(task), KeyError)
    assert looks.count == 1


@pytest.mark.parametrize("started", [False, True])
async def test_what_was_never_started_or_has_ended_can_be_ended(started: bool) -> None:
    task = every(60, Looks(), name="looks") if started else None
    await end(task, None)
    await end(task)
    await end()
