import asyncio
from collections.abc import Sequence

import pytest

from inference.encoders.batcher import DynamicBatcher
from tests.harness.fakes import until


class Doubler:
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
def doubler() -> Doubler:
    return Doubler()


async def test_one_goes_alone_and_those_that_come_meanwhile_together_up_to_the_limit(doubler: Doubler) -> None:
    batcher = DynamicBatcher(doubler, calls=1, limit=3)
    answers = [asyncio.create_task(batcher.answer(number)) for number in range(6)]
    await until(lambda: bool(doubler.asked))
    doubler.open.set()
    assert await asyncio.gather(*answers) == [0, 2, 4, 6, 8, 10]
    assert doubler.asked == [[0], [1, 2, 3], [4, 5]]


async def test_those_that_come_together_go_together_and_one_that_fails_fails_them(doubler: Doubler) -> None:
    batcher = DynamicBatcher(doubler, calls=4, limit=16)
    doubler.open.set()
    assert await batcher.answer_all([1, 2, 3]) == [2, 4, 6]
    with pytest.raises(ValueError, match="unlucky"):
        await batcher.answer_all([1, 13, 3])
    assert doubler.asked == [[1, 2, 3], [1, 13, 3]]


async def test_no_more_calls_are_under_way_than_allowed(doubler: Doubler) -> None:
    batcher = DynamicBatcher(doubler, calls=2, limit=1)
    answers = [asyncio.create_task(batcher.answer(number)) for number in range(5)]
    await until(lambda: len(doubler.asked) == 2)
    assert batcher.running == 2
    doubler.open.set()
    await asyncio.gather(*answers)
    assert batcher.running == 0


async def test_one_without_an_answer_takes_none_from_the_others(doubler: Doubler) -> None:
    batcher = DynamicBatcher(doubler, calls=1, limit=4)
    doubler.open.set()
    found = await asyncio.gather(*map(batcher.answer, (1, 13, 2)), return_exceptions=True)
    assert (found[0], repr(found[1]), found[2]) == (2, "ValueError('unlucky')", 4)


async def test_a_call_that_fails_fails_for_all_in_it_and_the_next_is_made(doubler: Doubler) -> None:
    batcher = DynamicBatcher(doubler, calls=1, limit=2)
    doubler.open.set()
    found = await asyncio.gather(*map(batcher.answer, (1, 99, 2, 3)), return_exceptions=True)
    assert [type(each) for each in found] == [int, ConnectionError, ConnectionError, int]


async def test_who_waits_no_longer_is_not_asked_for(doubler: Doubler) -> None:
    batcher = DynamicBatcher(doubler, calls=1, limit=4)
    answers = [asyncio.create_task(batcher.answer(number)) for number in range(3)]
    await until(lambda: bool(doubler.asked))
    answers[1].cancel()
    await asyncio.wait({answers[1]})
    doubler.open.set()
    assert list(await asyncio.gather(answers[0], answers[2])) == [0, 4]
    assert doubler.asked == [[0], [2]]
