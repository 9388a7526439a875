"""The protocol under every order of faults: whatever happens, a store holds the exact effect of a prefix of the log."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, Protocol, TypeVar

import pytest
import stamina
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from state.errors import StateUnavailable
from state.keys import Keys
from state.memory import MemoryPartitions
from state.partitions import START, PartitionStore
from state.redis import RedisPartitions, connect
from streams.errors import LogMismatch
from streams.processing.positions import REWIND_AGAIN_S
from streams.wire.events import Interaction
from tests.harness.protocol import USERS, Request, Server, Worker, World

T = TypeVar("T")
counts = st.integers(1, 4)
either = st.integers(0, 1)


class Stores(Protocol):
    """Makes empty stores for one run."""

    def make(self) -> PartitionStore: ...

    async def close(self) -> None: ...


class InMemory:
    def make(self) -> PartitionStore:
        return MemoryPartitions()

    async def close(self) -> None:
        pass


class OnRedis:
    """Key spaces that nobody used before."""

    def __init__(self, url: str) -> None:
        self._client = connect(url)

    def make(self) -> PartitionStore:
        return RedisPartitions(self._client, Keys(f"{uuid.uuid4().hex}."), observe=lambda op, seconds: None)

    async def close(self) -> None:
        await self._client.aclose()


class Faults(RuleBasedStateMachine):
    """Two workers, each believing to own the one partition."""

    def __init__(self, stores: Callable[[], Stores]) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stores = stores()
        self.world = World(self.stores.make)
        #: Requests of workers that died, still on their way.
        self.strays: list[Request] = []
        self.dropped = False

    def run(self, call: Awaitable[T]) -> T:
        """Make a call, and let whoever can go on without the network do so."""

        async def run() -> T:
            result = await call
            for _ in range(12):
                await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(run())

    def begin(self, worker: int, name: str, step: Coroutine[Any, Any, None]) -> None:
        async def begin() -> None:
            self.workers[worker].begin(name, step)

        self.run(begin())

    def new_worker(self) -> Worker:
        worker = Worker(self.world)
        try:
            self.run(worker.take_up())
        except LogMismatch as error:
            worker.failure = error
        return worker

    @initialize(seed=st.integers(0, 999))
    def start(self, seed: int) -> None:
        self.workers = [self.new_worker(), self.new_worker()]
        self.users_act(seed)

    # What is normal

    @rule(seed=st.integers(0, 999))
    def users_act(self, seed: int) -> None:
        """Now and then an event comes a second time: the same id at another offset."""
        chance, log = Random(seed), self.world.log
        for _ in range(chance.randint(2, 8)):
            event = Interaction(
                event_id=f"e{log.end}",
                type=chance.choice(["hide", "view", "purchase"]),
                user_id=chance.choice(USERS),
                item_id=f"i{chance.randint(1, 5)}",
                occurred_at_ms=0,
            )
            if log.offsets and chance.random() < 0.3:
                event = log.events[chance.choice(log.offsets)]
            log.append(event, chance.randint(1, 2))

    @rule(worker=either, count=counts)
    def fetch(self, worker: int, count: int) -> None:
        async def fetch() -> None:
            self.workers[worker].fetch(count)

        self.run(fetch())

    @rule(worker=either, count=counts)
    def begin_to_handle(self, worker: int, count: int) -> None:
        self.begin(worker, "handle", self.workers[worker].handle(count))

    @rule(worker=either)
    def begin_to_store(self, worker: int) -> None:
        self.begin(worker, "store", self.workers[worker].store())

    @rule(worker=either)
    def begin_to_look(self, worker: int) -> None:
        self.begin(worker, "look", self.workers[worker].look())

    @rule(worker=either)
    def let_through(self, worker: int) -> None:
        """Whatever the worker waits for happens."""
        while self.workers[worker].wire.requests:
            self.reply(self.workers[worker].wire.requests[0])

    @rule(worker=either, count=counts)
    def apply(self, worker: int, count: int) -> None:
        """A whole batch without a fault, which is yet to be stored."""
        self.let_through(worker)
        self.fetch(worker, count)
        self.begin_to_handle(worker, count)
        self.let_through(worker)

    @rule(worker=either, count=counts)
    def work(self, worker: int, count: int) -> None:
        """A whole turn without a fault."""
        self.apply(worker, count)
        self.begin_to_store(worker)
        self.let_through(worker)

    @rule(worker=either, count=counts)
    def a_commit_arrives(self, worker: int, count: int) -> None:
        """A batch is applied and committed; the reply is still on its way."""
        self.apply(worker, count)
        self.begin_to_store(worker)
        for request in self.workers[worker].wire.requests:
            self.run(request.arrive())

    @rule(worker=either, data=st.data())
    def a_request_arrives(self, worker: int, data: st.DataObject) -> None:
        if requests := self.workers[worker].wire.requests:
            self.run(data.draw(st.sampled_from(requests)).arrive())

    @rule(worker=either, data=st.data())
    def a_request_is_answered(self, worker: int, data: st.DataObject) -> None:
        if requests := self.workers[worker].wire.requests:
            self.reply(data.draw(st.sampled_from(requests)))

    def reply(self, request: Request) -> None:
        async def reply() -> None:
            await request.arrive()
            request.reply.set_result(request.answer[0])

        self.run(reply())

    # What goes wrong

    @rule(worker=either, data=st.data())
    def a_reply_is_lost(self, worker: int, data: st.DataObject) -> None:
        """The connection breaks; the request may have arrived, or still do so."""
        if requests := self.workers[worker].wire.requests:
            request = data.draw(st.sampled_from(requests))
            self.strays.append(request)

            async def lose() -> None:
                request.reply.set_exception(StateUnavailable("the connection broke"))

            self.run(lose())

    @rule(worker=either)
    def crash(self, worker: int) -> None:
        self.strays += self.workers[worker].wire.requests
        self.end(self.workers[worker])
        self.workers[worker] = self.new_worker()

    def end(self, worker: Worker) -> None:
        async def end() -> None:
            tasks = list(worker.tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(end())

    @precondition(lambda self: self.strays)
    @rule(data=st.data())
    def a_request_of_the_dead_arrives(self, data: st.DataObject) -> None:
        self.run(self.strays.pop(data.draw(st.integers(0, len(self.strays) - 1))).arrive())

    @rule(worker=either, back=counts)
    def redeliver(self, worker: int, back: int) -> None:
        self.workers[worker].last = max(self.workers[worker].last - back, START)

    @rule(worker=either)
    def drop_a_record_on_the_way(self, worker: int) -> None:
        if self.workers[worker].queue:
            self.workers[worker].queue.pop(0)
            self.dropped = True

    @rule(writes=st.integers(1, 5))
    def lose_the_last_writes(self, writes: int) -> None:
        self.run(self.world.server.lose(writes))

    @rule(behind=st.integers(0, 5))
    def fail_over(self, behind: int) -> None:
        """A replica becomes the master; workers stay with the old one until they notice."""
        self.world.server = self.run(self.world.server.replica(behind))

    @rule(worker=either)
    def notice_the_failover(self, worker: int) -> None:
        wire = self.workers[worker].wire
        if wire.server.space is self.world.server.space:
            wire.server = self.world.server

    @precondition(lambda self: self.position() != START)
    @rule()
    def make_the_topic_anew(self) -> None:
        self.world.make_topic_anew()

    @precondition(lambda self: any(worker.failure for worker in self.workers))
    @rule()
    def rebuild(self) -> None:
        """What the operator was told to do: the state is made anew in a new key space, and workers are restarted."""
        self.world.server = Server(self.stores.make)
        for worker in (0, 1):
            self.crash(worker)

    @rule(seconds=st.sampled_from([0.1, REWIND_AGAIN_S + 1]))
    def wait(self, seconds: float) -> None:
        self.world.clock_s += seconds

    # What holds

    @invariant()
    def every_store_holds_a_prefix_that_was_told_of(self) -> None:
        for server in {self.world.server, *(worker.wire.server for worker in self.workers)}:
            self.run(self.world.check(server))

    @invariant()
    def nothing_ends_a_worker_but_a_topic_that_does_not_fit(self) -> None:
        for worker in self.workers:
            if worker.failure is not None and not isinstance(worker.failure, LogMismatch):
                raise worker.failure

    def position(self) -> int:
        return self.run(self.world.server.positions([0]))[0]

    def teardown(self) -> None:
        """A worker that is left alone catches up with the log, in no more turns than there are records to sort out."""
        try:
            if hasattr(self, "workers"):
                self.catch_up()
                # Now it is idle: no event will show that the store went back.
                self.lose_the_last_writes(2)
                self.catch_up()
        finally:
            for worker in getattr(self, "workers", []):
                self.end(worker)
            self.run(self.stores.close())
            self.loop.close()

    def catch_up(self) -> None:
        log = self.world.log
        if self.workers[0].log is not log:
            # Deleting a topic has its group take up its partitions again.
            self.crash(0)
        for _ in range(2 * len(log.offsets) + len(self.workers[0].queue) + 8):
            self.world.clock_s += REWIND_AGAIN_S + 1
            self.notice_the_failover(0)
            self.begin_to_look(0)
            self.work(0, 4)
            worker = self.workers[0]
            if worker.failure is not None:
                self.rebuild()
            elif worker.wire.server.space is not self.world.server.space:
                self.crash(0)
            elif self.position() == log.end - 1:
                break
            elif self.dropped and not worker.queue and worker.last >= log.end - 1:
                # What was dropped on the way is missed when the next record comes.
                self.dropped = False
                log.append(structs.replace(log.events[log.offsets[0]], event_id=f"e{log.end}"), 1)
        assert self.position() == log.end - 1
        self.every_store_holds_a_prefix_that_was_told_of()


def try_faults(stores: Callable[[], Stores], *, examples: int, steps: int) -> None:
    # The machine decides when a service answers again: retries do not wait.
    with stamina.set_testing(True, attempts=1_000_000):
        run_state_machine_as_test(
            lambda: Faults(stores),  # type: ignore[arg-type]  # it only calls it
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_a_store_in_memory_holds_the_exact_effect_of_a_prefix_of_the_log() -> None:
    try_faults(InMemory, examples=100, steps=50)


@pytest.mark.stack
@pytest.mark.parametrize("kind", ["node", "cluster"])
def test_redis_holds_the_exact_effect_of_a_prefix_of_the_log(request: pytest.FixtureRequest, kind: str) -> None:
    url = request.getfixturevalue(f"redis_{kind}").url
    try_faults(lambda: OnRedis(url), examples=10, steps=40)
