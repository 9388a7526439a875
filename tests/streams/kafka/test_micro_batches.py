"""Batches of numbers, whose work waits until it is let go."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from streams.kafka.micro_batches import overlap
from tests.harness.fakes import until


class Belt:
    """Batches put on it are worked on together, once each of their numbers is let go, and remembered when settled."""

    def __init__(self, *, at_once: int = 4) -> None:
        self.queue: asyncio.Queue[list[int]] = asyncio.Queue()
        self.begun: list[int] = []
        self.worked: list[int] = []
        self.cancelled: list[int] = []
        self.settled: list[int] = []
        self.finished: list[int] = []
        #: Numbers whose batch may not be finished yet.
        self.held: set[int] = set()
        self.free: set[int] = set()
        self.broken: int | None = None
        self.running = asyncio.create_task(
            overlap(self._batches(), self._work, self._settle, self._finish, at_once=at_once)
        )

    def put(self, *batches: list[int]) -> None:
        for batch in batches:
            self.queue.put_nowait(batch)

    async def _batches(self) -> AsyncIterator[Sequence[int]]:
        while True:
            yield await self.queue.get()

    async def _work(self, batch: Sequence[int]) -> list[int]:
        self.begun += batch
        try:
            await until(lambda: self.free.issuperset(batch))
        except asyncio.CancelledError:
            self.cancelled += batch
            raise
        self.worked += batch
        if self.broken in batch:
            raise ZeroDivisionError("a bug")
        return [*batch]

    async def _settle(self, result: list[int]) -> None:
        await asyncio.sleep(0)
        self.settled += result

    async def _finish(self, batch: Sequence[int], result: list[int]) -> None:
        await until(lambda: self.held.isdisjoint(batch))
        assert result == batch
        self.finished += batch


async def test_a_batch_begins_while_the_one_before_it_is_under_way() -> None:
    belt = Belt()
    belt.put([1], [2])
    await until(lambda: belt.begun == [1, 2])
    assert belt.settled == []
    belt.running.cancel()


async def test_a_batch_that_is_done_first_is_settled_after_the_one_before_it() -> None:
    belt = Belt()
    belt.put([1], [2], [3])
    belt.free |= {2, 3}
    await until(lambda: sorted(belt.worked) == [2, 3])
    assert belt.settled == []
    belt.free.add(1)
    await until(lambda: belt.settled == [1, 2, 3])
    belt.running.cancel()


async def test_no_batch_waits_to_be_settled_until_the_one_before_it_is_finished_but_they_finish_in_order() -> None:
    belt = Belt()
    belt.held = {1}
    belt.put([1], [2], [3])
    belt.free |= {1, 2, 3}
    await until(lambda: belt.settled == [1, 2, 3])
    assert belt.finished == []
    belt.held.clear()
    await until(lambda: belt.finished == [1, 2, 3])
    belt.running.cancel()


async def test_no_more_is_under_way_than_allowed() -> None:
    belt = Belt(at_once=4)
    belt.put([1, 2], [3, 4], [5])
    await until(lambda: belt.begun == [1, 2, 3, 4])
    belt.free |= {3, 4}
    await until(lambda: belt.worked == [3, 4])
    assert belt.begun == [1, 2, 3, 4]
    belt.free |= {1, 2}
    await until(lambda: belt.begun[-1] == 5)
    belt.running.cancel()


async def test_a_batch_larger_than_what_is_allowed_has_it_all_to_itself() -> None:
    belt = Belt(at_once=2)
    belt.put([1, 2, 3], [4])
    await until(lambda: belt.begun == [1, 2, 3])
    belt.free |= {1, 2, 3, 4}
    await until(lambda: belt.settled == [1, 2, 3, 4])
    belt.running.cancel()


async def test_what_follows_a_failure_is_never_settled() -> None:
    belt = Belt()
    belt.broken = 2
    belt.put([1], [2], [3])
    belt.free |= {2, 3}
    await until(lambda: belt.begun == [1, 2, 3])
    belt.free.add(1)
    with pytest.raises(ExceptionGroup) as caught:
        await belt.running
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
    assert 3 not in belt.settled


async def test_cancelled_it_leaves_nothing_running() -> None:
    belt = Belt()
    belt.put([1], [2])
    await until(lambda: belt.begun == [1, 2])
    belt.running.cancel()
    await asyncio.wait((belt.running,))
    assert (belt.running.cancelled(), sorted(belt.cancelled), belt.settled) == (True, [1, 2], [])
