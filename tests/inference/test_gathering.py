import asyncio
from collections.abc import Sequence

import pytest

from inference.gathering import Gathering
from tests.fakes import until


class Oracle:
    """Doubles numbers when it is let; 13 has no answer, and 99 ends the call."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.open = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.asked.append(list(numbers))
        await self.open.wait()
        if 99 in numbers:
            raise ConnectionError("away")
        return [ValueError("unlucky") if number == 13 else 2 * number for number in numbers]


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


async def test_one_goes_alone_and_those_that_come_meanwhile_together_up_to_the_limit(oracle: Oracle) -> None:
    gathering = Gathering(oracle, calls=1, limit=3)
    answers = [asyncio.create_task(gathering.answer(number)) for number in range(6)]
    await until(lambda: bool(oracle.asked))
    oracle.open.set()
    assert await asyncio.gather(*answers) == [0, 2, 4, 6, 8, 10]
    assert oracle.asked == [[0], [1, 2, 3], [4, 5]]


async def test_no_more_calls_are_under_way_than_allowed(oracle: Oracle) -> None:
    gathering = Gathering(oracle, calls=2, limit=1)
    answers = [asyncio.create_task(gathering.answer(number)) for number in range(5)]
    await until(lambda: len(oracle.asked) == 2)
    assert gathering.running == 2
    oracle.open.set()
    await asyncio.gather(*answers)
    assert gathering.running == 0


async def test_one_without_an_answer_takes_none_from_the_others(oracle: Oracle) -> None:
    gathering = Gathering(oracle, calls=1, limit=4)
    oracle.open.set()
    found = await asyncio.gather(*map(gathering.answer, (1, 13, 2)), return_exceptions=True)
    assert (found[0], repr(found[1]), found[2]) == (2, "ValueError('unlucky')", 4)


async def test_a_call_that_fails_fails_for_all_in_it_and_the_next_is_made(oracle: Oracle) -> None:
    gathering = Gathering(oracle, calls=1, limit=2)
    oracle.open.set()
    found = await asyncio.gather(*map(gathering.answer, (1, 99, 2, 3)), return_exceptions=True)
    assert [type(each) for each in found] == [int, ConnectionError, ConnectionError, int]


async def test_who_waits_no_longer_is_not_asked_for(oracle: Oracle) -> None:
    gathering = Gathering(oracle, calls=1, limit=4)
    answers = [asyncio.create_task(gathering.answer(number)) for number in range(3)]
    await until(lambda: bool(oracle.asked))
    answers[1].cancel()
    await asyncio.wait({answers[1]})
    oracle.open.set()
    assert list(await asyncio.gather(answers[0], answers[2])) == [0, 4]
    assert oracle.asked == [[0], [2]]
