from collections.abc import Iterator

import pytest
import stamina

from state.errors import StateCorrupt, StateUnavailable
from streams.retrying import until_available


class Failing:
    """A call that fails some times before it answers."""

    def __init__(self, times: int, error: Exception) -> None:
        self.calls = 0
        self._times = times
        self._error = error

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return "answer"


@pytest.fixture
def no_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1_000):
        yield


async def test_what_answers_at_once_is_asked_once() -> None:
    call = Failing(0, StateUnavailable("away"))

    assert await until_available(call, StateUnavailable) == "answer"
    assert call.calls == 1


async def test_what_is_away_is_asked_again_after_a_wait() -> None:
    call = Failing(1, StateUnavailable("away"))

    assert await until_available(call, StateUnavailable) == "answer"
    assert call.calls == 2


async def test_it_is_asked_for_as_long_as_it_is_away(no_wait: None) -> None:
    call = Failing(500, StateUnavailable("away"))

    assert await until_available(call, StateUnavailable) == "answer"
    assert call.calls == 501


async def test_any_other_error_is_raised_at_once() -> None:
    call = Failing(1, StateCorrupt("of other hands"))

    with pytest.raises(StateCorrupt):
        await until_available(call, StateUnavailable)
    assert call.calls == 1
