"""A store that goes back while no event comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from state.errors import StateUnavailable
from streams.processing.rollback_watch import RollbackWatch
from tests.harness.fakes import until


class Worker:
    """What a worker last committed, what the store says when it is asked, and the rewinds that were asked for."""

    def __init__(self) -> None:
        self.committed: dict[int, int] = {0: 9, 1: 4}
        self.stored: dict[int, int] = {0: 9, 1: 4}
        self.rewinds: list[tuple[int, int]] = []
        self.asked = 0
        self.away = False
        self.meanwhile: Callable[[], None] = lambda: None

    async def read_positions(self, partitions: Sequence[int]) -> dict[int, int]:
        self.asked += 1
        if self.away:
            raise StateUnavailable("Redis is away")
        self.meanwhile()
        return {partition: self.stored[partition] for partition in partitions}

    async def rewind(self, partition: int, position: int) -> None:
        self.rewinds.append((partition, position))
        self.committed[partition] = position

    def watch(self, every_s: float = 60.0) -> RollbackWatch:
        return RollbackWatch(self.read_positions, lambda: self.committed, self.rewind, every_s=every_s)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def watching(worker: Worker) -> AsyncIterator[RollbackWatch]:
    watch = worker.watch(every_s=0.01)
    await watch.start()
    yield watch
    await watch.stop()


async def test_a_store_where_it_was_left_is_left_alone(worker: Worker) -> None:
    await worker.watch().look()
    assert worker.rewinds == []


async def test_a_partition_that_went_back_is_taken_up_from_there(worker: Worker) -> None:
    worker.stored[1] = 2
    await worker.watch().look()
    assert worker.rewinds == [(1, 2)]


async def test_a_store_that_is_empty_is_taken_up_from_the_start(worker: Worker) -> None:
    worker.stored = {0: -1, 1: -1}
    await worker.watch().look()
    assert worker.rewinds == [(0, -1), (1, -1)]


async def test_one_rewind_answers_one_rollback(worker: Worker) -> None:
    worker.stored[1] = 2
    watch = worker.watch()
    await watch.look()
    await watch.look()
    assert worker.rewinds == [(1, 2)]


async def test_a_store_that_others_moved_on_is_left_to_the_next_commit(worker: Worker) -> None:
    worker.stored[1] = 7
    await worker.watch().look()
    assert worker.rewinds == []


async def test_what_was_committed_after_the_store_was_asked_is_no_rollback(worker: Worker) -> None:
    worker.meanwhile = lambda: worker.committed.update({1: 6})
    await worker.watch().look()
    assert worker.rewinds == []


async def test_a_partition_that_went_away_meanwhile_is_not_rewound(worker: Worker) -> None:
    worker.stored[1] = 2
    worker.meanwhile = lambda: worker.committed.clear()
    await worker.watch().look()
    assert worker.rewinds == []


async def test_a_partition_that_was_taken_up_again_meanwhile_is_not_rewound(worker: Worker) -> None:
    worker.stored[1] = 2
    worker.meanwhile = lambda: worker.committed.update({1: 2})
    await worker.watch().look()
    assert worker.rewinds == []


async def test_a_worker_without_partitions_asks_nobody(worker: Worker) -> None:
    worker.committed = {}
    await worker.watch().look()
    assert worker.asked == 0


async def test_it_looks_by_itself_until_it_is_stopped(worker: Worker, watching: RollbackWatch) -> None:
    worker.stored[0] = 3
    await until(lambda: worker.rewinds == [(0, 3)])
    await watching.stop()
    asked = worker.asked
    await asyncio.sleep(0.05)
    assert worker.asked == asked
    assert watching.failure is None


async def test_a_store_that_is_away_is_asked_again(worker: Worker, watching: RollbackWatch) -> None:
    worker.away = True
    await until(lambda: worker.asked > 2)
    worker.stored[0], worker.away = 3, False
    await until(lambda: worker.rewinds == [(0, 3)])


async def test_a_failure_nobody_foresaw_is_told(worker: Worker, watching: RollbackWatch) -> None:
    worker.stored = {}
    await until(lambda: isinstance(watching.failure, KeyError))
