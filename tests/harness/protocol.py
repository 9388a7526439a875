"""The world around the state protocol: a log, stores that lose writes, a network that waits, and workers that die.

Made up are the log, the network and the crashes. What workers decide with is the real thing, on a real PartitionStore:
the reducer, StoreLoop (with CommitProtocol and Positions), check_log and RollbackWatch.
"""

import asyncio
import itertools
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from features.profile import NEW, Profile
from state.codec import encode_profile
from state.errors import StateUnavailable
from state.partitions import START, Commit, Loaded, PartitionStore
from state.profiles import ProfileCommit, ProfileStore
from streams.interactions.reducer import parse, reduce, reduce_all
from streams.interactions.store_loop import Pending, StoreLoop
from streams.kafka.continuity import Log, check_log
from streams.kafka.log_reader import Extent
from streams.privacy.control_records import UNSIGNED
from streams.processing.positions import Positions
from streams.processing.rollback_watch import RollbackWatch
from streams.retrying import until_available
from streams.wire.events import Interaction, encode
from streams.wire.records import Record, events_of

T = TypeVar("T")
USERS = ("u1", "u2")
_ids = itertools.count()


class EventLog:
    """One partition of one topic, with gaps between offsets as transactions leave them, and what it should lead to."""

    def __init__(self) -> None:
        self.topic_id = f"topic-{next(_ids)}"
        self.records: dict[int, Record] = {}
        self.events: dict[int, Interaction] = {}
        #: The profile that each event left which was not a duplicate.
        self.effects: dict[int, bytes] = {}
        self.offsets: list[int] = []
        self._profiles: list[dict[str, Profile]] = [dict.fromkeys(USERS, NEW)]

    @property
    def end(self) -> int:
        return self.offsets[-1] + 1 if self.offsets else 0

    def append(self, event: Interaction, gap: int) -> None:
        """Add an event `gap` offsets after the last one."""
        offset = self.end - 1 + gap
        record = Record(self.topic_id, 0, offset, 0, event.user_id.encode(), encode(event))
        effect = reduce(record, event, self._profiles[-1][event.user_id])
        self.offsets.append(offset)
        self.records[offset] = record
        self.events[offset] = event
        self._profiles.append({**self._profiles[-1], event.user_id: effect.after})
        if effect.outcome == "applied":
            self.effects[offset] = encode_profile(effect.after)

    def profiles(self, position: int) -> dict[str, bytes]:
        """What the profiles are after every record up to a position."""
        profiles = self._profiles[bisect_right(self.offsets, position)]
        return {user: encode_profile(profile) for user, profile in profiles.items()}

    def count(self, user: str, position: int) -> int:
        """How many different events of a user lie up to a position."""
        return len(
            {each.event_id for offset, each in self.events.items() if each.user_id == user and offset <= position}
        )

    def log(self) -> Log:
        return Log("events.interactions", self.topic_id, {0: Extent(0, self.end)})


@dataclass(frozen=True, slots=True)
class Saved:
    """All that a store holds."""

    position: int = START
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    topic_id: bytes | None = None

    @classmethod
    async def of(cls, store: PartitionStore) -> "Saved":
        found = (await ProfileStore(store).load({0: USERS}))[0]
        ((topic_id,),) = [each.values for each in (await store.load({0: ["topic"]})).values()]
        return cls(found.position, found.profiles, topic_id)

    async def restore(self, store: PartitionStore) -> None:
        await ProfileStore(store).commit([ProfileCommit(0, START, self.position, self.profiles)])
        if self.topic_id is not None:
            await store.commit([Commit(0, self.position, self.position, {"topic": self.topic_id})])


class Server:
    """A store that remembers the states it was in, and can be put back to one."""

    def __init__(self, make: Callable[[], PartitionStore]) -> None:
        self._make = make
        self.store = make()
        #: What replicas share.
        self.space = object()
        self._saved = [Saved()]

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        return await self.store.positions(partitions)

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        return await self.store.load(wanted)

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        refused = await self.store.commit(commits)
        self._saved.append(await Saved.of(self.store))
        return refused

    async def lose(self, writes: int) -> None:
        """Go back by some commits, at most to the first, which noted the topic and nothing else."""
        self._saved = self._saved[: max(2, len(self._saved) - writes)]
        self.store = self._make()
        await self._saved[-1].restore(self.store)

    async def replica(self, behind: int) -> "Server":
        """Another server that has not seen the last commits."""
        other = Server(self._make)
        other.space, other._saved = self.space, list(self._saved)
        await other.lose(behind)
        return other


@dataclass(slots=True, eq=False)
class Request:
    """A call on its way to a server; `answer` once it was there."""

    call: Callable[[], Awaitable[Any]]
    reply: "asyncio.Future[Any]"
    answer: list[Any] = field(default_factory=list)

    async def arrive(self) -> None:
        if not self.answer:
            self.answer.append(await self.call())


class Wire:
    """A PartitionStore at the end of a network: requests arrive, and replies come back, when somebody lets them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.requests: list[Request] = []

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        return await self._ask(lambda server: server.positions(partitions))

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        return await self._ask(lambda server: server.load(wanted))

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        return await self._ask(lambda server: server.commit(commits))

    async def _ask(self, call: Callable[[Server], Awaitable[T]]) -> T:
        server = self.server
        request = Request(lambda: call(server), asyncio.get_running_loop().create_future())
        self.requests.append(request)
        try:
            answer: T = await request.reply
        finally:
            self.requests.remove(request)
        return answer


class World:
    """The log, the server that clients are sent to, and what those who listen to signals have heard."""

    def __init__(self, make: Callable[[], PartitionStore]) -> None:
        self.make = make
        self.log = EventLog()
        self.logs = {self.log.topic_id: self.log}
        self.server = Server(make)
        self.clock_s = 0.0
        self.heard: set[tuple[str, int]] = set()
        #: Topics whose state took records of another: seen at the next look at the topic, and rebuilt then.
        self.mixed: set[str] = set()

    def make_topic_anew(self) -> None:
        """Delete the topic and make one of the same name."""
        self.log = EventLog()
        self.logs[self.log.topic_id] = self.log

    async def check(self, server: Server) -> None:
        """The server holds the exact effect of a prefix of the log, and all of it was told of before."""
        held = await Saved.of(server.store)
        log = self.log if held.topic_id is None else self.logs[held.topic_id.decode()]
        if log.topic_id in self.mixed or (held.topic_id is None and held.position == START):
            return
        assert {user: encode_profile(held.profiles[user]) for user in USERS} == log.profiles(held.position)
        for user in USERS:
            assert held.profiles[user].count == log.count(user, held.position)
        assert all((log.topic_id, offset) in self.heard for offset in log.effects if offset <= held.position)

    def hear(self, topic_id: str, log: EventLog, told: Sequence[tuple[int, bytes]]) -> None:
        """Whoever tells of an event tells the same of it, and of those before it first."""
        for offset, effect in told:
            if topic_id not in self.mixed:
                assert log.effects[offset] == effect
                assert all((topic_id, before) in self.heard for before in log.effects if before < offset)
            self.heard.add((topic_id, offset))


class Worker:
    """Reads the log as the transport does; applies and stores by the agent's own parts, and hears what they publish."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.log = world.log
        self.wire = Wire(world.server)
        self.queue: list[Record] = []
        self._positions = Positions(self._rewind, clock_s=lambda: world.clock_s)
        self.loop = StoreLoop(ProfileStore(self.wire), self._positions, self._publish, limit=1)
        self._watch = RollbackWatch(self._read_positions, lambda: self._positions.known, self.loop.rolled_back)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        #: Why it ended.
        self.failure: BaseException | None = None
        self.last = START

    def begin(self, name: str, step: Coroutine[Any, Any, None]) -> None:
        """Start a step, unless that one is under way or the worker has ended."""
        if self.failure is not None or name in self.tasks:
            step.close()
            return
        self.tasks[name] = asyncio.get_running_loop().create_task(step)
        self.tasks[name].add_done_callback(lambda task: self._ended(name, task))

    def _ended(self, name: str, task: "asyncio.Task[None]") -> None:
        del self.tasks[name]
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()

    async def take_up(self) -> None:
        """Begin where the store is, if the log continues it."""
        await check_log(self._world.log.log(), self.wire.server, [0])
        # As the store is asked before the worker handles anything, no fault lies between.
        found = await self.wire.server.positions([0])
        self._positions.loaded(found)
        self.last = found[0]

    def fetch(self, count: int) -> None:
        """Have some records more in the queue; a log that ends before the last one read is looked at."""
        log = self._world.log
        if log.end <= self.last:
            self.begin("check", check_log(log.log(), self.wire.server, [0]))
            return
        start = bisect_right(log.offsets, self.last)
        for offset in log.offsets[start : start + count]:
            self.queue.append(replace(log.records[offset], after=self.last))
            self.last = offset
        following = log.offsets[start + count : start + count + 1]
        if following and following[0] > self.last + 1:
            # The consumer has passed the marker of a transaction, and nothing follows it yet.
            passed = Record(log.topic_id, 0, following[0] - 1, 0, None, None, after=self.last, holds_event=False)
            self.queue.append(passed)
            self.last = passed.offset

    async def handle(self, count: int) -> None:
        """Apply a batch in memory, as InteractionsAgent.handle does."""
        batch, self.queue = self.queue[:count], self.queue[count:]
        if not batch:
            return
        users = list(dict.fromkeys((record.key or b"").decode() for record in events_of(batch)))
        effects = []
        for admitted in await self.loop.admit(batch, {0: users}):
            if any(record.topic != self.log.topic_id for record in admitted.records):
                self._world.mixed.add(self.log.topic_id)
            parsed = [(record, parse(record, UNSIGNED)) for record in events_of(admitted.records)]
            effects.append((admitted, list(reduce_all(parsed, admitted.cache.profiles))))
        self.loop.add(effects)

    async def store(self) -> None:
        """Publish what was applied, then commit it; again while no reply comes."""
        await self.loop.store()

    async def look(self) -> None:
        """See whether the store went back while nothing happened."""
        await until_available(self._watch.look, StateUnavailable)

    async def _publish(self, pending: Pending) -> None:
        applied = [(effect.record.offset, encode_profile(effect.after)) for effect in pending.effects]
        self._world.hear(self.log.topic_id, self.log, applied)

    async def _rewind(self, partition: int, position: int) -> None:
        await check_log(self._world.log.log(), self.wire.server, [partition])
        self.last = position

    async def _read_positions(self, partitions: Sequence[int]) -> dict[int, int]:
        return await self.wire.positions(partitions)
