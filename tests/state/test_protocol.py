"""The protocol under every order of faults: whatever happens, the store holds the exact effect of a prefix of the log.

The log, the queues, the network and the crashes are made up; profiles, positions and the store are the real ones.
"""

import copy
from bisect import bisect_right
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from features.profile import NEW, Action, Profile, apply_interaction
from state.codec import encode_profile
from state.memory import MemoryPartitions
from state.partitions import START
from state.profiles import ProfileCommit, ProfileStore
from streams.parsing import Record
from streams.positions import REWIND_AGAIN_S, Positions

T = TypeVar("T")
USERS = ("u1", "u2")
counts = st.integers(1, 4)


def finish(call: Coroutine[Any, Any, T]) -> T:
    """The result of a call that never waits."""
    try:
        call.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("a store in memory does not wait")


class Log:
    """One partition: actions by offset, with gaps between offsets as transactions and compaction leave them."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.actions: list[tuple[str, Action]] = []
        self._truth: list[dict[str, Profile]] = [dict.fromkeys(USERS, NEW)]

    def append(self, user: str, action: Action, gap: int) -> None:
        self.offsets.append((self.offsets[-1] if self.offsets else START) + gap)
        self.actions.append((user, action))
        before = self._truth[-1]
        self._truth.append({**before, user: apply_interaction(before[user], action)})

    def at(self, offset: int) -> tuple[str, Action]:
        return self.actions[self.offsets.index(offset)]

    def replayed(self, position: int) -> dict[str, bytes]:
        """What the profiles are after every record up to a position."""
        profiles = self._truth[bisect_right(self.offsets, position)]
        return {user: encode_profile(profile) for user, profile in profiles.items()}


class Worker:
    """Reads the log as the transport does, and handles batches as the agent does."""

    def __init__(self, world: "Protocol") -> None:
        self._world = world
        self.queue: list[Record] = []
        self.unfinished: ProfileCommit | None = None
        self._positions = Positions(self.rewind, clock_s=lambda: world.clock_s)
        self._last: int = finish(world.store.positions([0]))[0]

    async def rewind(self, partition: int, position: int) -> None:
        self._last = position

    def fetch(self, count: int) -> None:
        offsets = self._world.log.offsets
        start = bisect_right(offsets, self._last)
        for offset in offsets[start : start + count]:
            self.queue.append(Record("events.interactions", 0, offset, 0, None, None, after=self._last))
            self._last = offset

    def begin(self, count: int) -> None:
        """Load, admit and apply; the commit is yet to be made."""
        batch, self.queue = self.queue[:count], self.queue[count:]
        loaded = finish(self._world.profiles.load({0: USERS}))[0]
        admitted = finish(self._positions.admit({0: batch}, {0: loaded.position}))
        if 0 in admitted:
            changed: dict[str, Profile] = {}
            for record in admitted[0]:
                user, action = self._world.log.at(record.offset)
                changed[user] = apply_interaction(changed.get(user, loaded.profiles[user]), action)
            self.unfinished = ProfileCommit(0, loaded.position, admitted[0][-1].offset, changed)

    def end(self) -> None:
        """Make the commit that `begin` left."""
        commit, self.unfinished = self.unfinished, None
        if commit is not None:
            refused = self._world.commit(commit)
            if not refused:
                self._positions.committed({0: commit.position})
            finish(self._positions.refused(refused))


class Protocol(RuleBasedStateMachine):
    """Two workers, each believing to own the one partition."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.store = MemoryPartitions()
        self.saved = [copy.deepcopy(self.store)]
        self.on_the_way: list[ProfileCommit] = []
        self.clock_s = 0.0

    @property
    def profiles(self) -> ProfileStore:
        return ProfileStore(self.store)

    def commit(self, commit: ProfileCommit) -> dict[int, int]:
        refused = finish(self.profiles.commit([commit]))
        self.saved.append(copy.deepcopy(self.store))
        return refused

    @initialize()
    def start(self) -> None:
        self.workers = [Worker(self), Worker(self)]

    @rule(seed=st.integers(0, 999))
    def users_act(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(chance.randint(2, 8)):
            action = Action(chance.randrange(99), chance.randint(1, 5), chance.choice([-3.0, 0.2, 3.0]), 0)
            self.log.append(chance.choice(USERS), action, chance.randint(1, 2))

    @rule(worker=st.integers(0, 1), count=counts)
    def fetch(self, worker: int, count: int) -> None:
        self.workers[worker].fetch(count)

    @rule(worker=st.integers(0, 1), count=counts)
    def handle(self, worker: int, count: int) -> None:
        self.workers[worker].end()
        self.workers[worker].fetch(count)
        self.workers[worker].begin(count)
        self.workers[worker].end()

    @rule(worker=st.integers(0, 1), count=counts)
    def freeze_before_the_commit(self, worker: int, count: int) -> None:
        if self.workers[worker].unfinished is None:
            self.workers[worker].fetch(count)
            self.workers[worker].begin(count)

    @rule(worker=st.integers(0, 1))
    def thaw_and_commit_as_a_zombie(self, worker: int) -> None:
        self.workers[worker].end()

    @rule(worker=st.integers(0, 1))
    def crash(self, worker: int) -> None:
        commit = self.workers[worker].unfinished
        if commit is not None:
            self.on_the_way.append(commit)
        self.workers[worker] = Worker(self)

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def a_commit_of_the_dead_arrives(self, data: st.DataObject) -> None:
        self.commit(self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1))))

    @rule(worker=st.integers(0, 1), back=counts)
    def redeliver(self, worker: int, back: int) -> None:
        seen = bisect_right(self.log.offsets, self.workers[worker]._last)
        position = self.log.offsets[seen - back - 1] if seen - back >= 1 else START
        finish(self.workers[worker].rewind(0, position))

    @rule(worker=st.integers(0, 1))
    def drop_a_record_on_the_way(self, worker: int) -> None:
        if self.workers[worker].queue:
            self.workers[worker].queue.pop(0)

    @rule(writes=st.integers(1, 5))
    def lose_the_last_writes(self, writes: int) -> None:
        del self.saved[max(1, len(self.saved) - writes) :]
        self.store = copy.deepcopy(self.saved[-1])

    @rule(seconds=st.sampled_from([0.1, REWIND_AGAIN_S + 1]))
    def wait(self, seconds: float) -> None:
        self.clock_s += seconds

    @invariant()
    def the_store_holds_a_prefix(self) -> None:
        assert self.stored() == self.log.replayed(self.position())

    def stored(self) -> dict[str, bytes]:
        loaded = finish(self.profiles.load({0: USERS}))[0]
        return {user: encode_profile(profile) for user, profile in loaded.profiles.items()}

    def position(self) -> int:
        return finish(self.store.positions([0]))[0]

    def teardown(self) -> None:
        """A worker that is left alone catches up with the log, in no more turns than there are records to sort out."""
        if not self.log.offsets:
            return
        worker = self.workers[0]
        for _ in range(2 * len(self.log.offsets) + len(worker.queue) + 4):
            self.clock_s += REWIND_AGAIN_S + 1
            worker.end()
            worker.fetch(4)
            worker.begin(4)
            worker.end()
            if self.position() == self.log.offsets[-1]:
                break
            if not worker.queue and worker._last >= self.log.offsets[-1]:
                # Nothing is left that would show the gap: the next record does.
                self.log.append("u1", Action(100, 1, 1.0, 0), 1)
        assert self.position() == self.log.offsets[-1]
        self.the_store_holds_a_prefix()


Protocol.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_the_store_holds_the_exact_effect_of_a_prefix_of_the_log = Protocol.TestCase
