"""Profiles in memory, stored a moment later: one commit covers all batches since the last.

Lists leave at once, so no event waits for Redis (docs/adr/0008). A crash repeats up to STORE_EVERY_S of events.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from state.errors import StateUnavailable
from state.profiles import ProfileStore
from state.write_behind import PROFILES_LIMIT, PartitionCache, WriteBehindProfiles
from streams.interactions.reducer import Effect, changed_profiles
from streams.metrics import StageTimer
from streams.processing.commit_protocol import CommitProtocol
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.wire.records import Message, Record, by_partition

STORE_EVERY_S = 0.1
#: Events applied and not stored at most: while Redis or Kafka is away, further ones wait in their topic.
UNSTORED_LIMIT = 4096
#: And bytes of them: invalid ones are kept whole, as the dead letters that they become.
UNSTORED_BYTES = 64 << 20
#: How long the last store may take when the process ends.
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """Records of one partition that continue its state, and that state."""

    cache: PartitionCache
    records: Sequence[Record]


@dataclass(slots=True)
class Pending:
    """What goes with the next commit: effects in memory, and `messages` that must leave before it."""

    records: int = 0
    size: int = 0
    effects: list[Effect] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    #: Lists on their way.
    sent: list[asyncio.Future[None]] = field(default_factory=list)


class StoreLoop:
    """Loads profiles, keeps what `add` applies to them, and commits it every STORE_EVERY_S.

    `publish` sends what must be acknowledged before the commit. One caller loads and adds; `store` runs one at a time.
    """

    def __init__(
        self,
        profiles: ProfileStore,
        positions: Positions,
        publish: Callable[[Pending], Awaitable[None]],
        *,
        limit: int = PROFILES_LIMIT,
    ) -> None:
        self._store = profiles
        self._profiles = WriteBehindProfiles(profiles, limit=limit)
        self._positions = positions
        self._protocol = CommitProtocol(positions)
        self._publish = publish
        self._pending = Pending()
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._ending = False
        self._storing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Store from now on what `add` leaves to be stored."""
        self._storing = asyncio.create_task(self._keep_storing(), name="storing")

    async def stop(self) -> None:
        """Store what is left, if the services answer within STOP_S; what is not stored will be applied again."""
        self._ending = True
        self._changed.set()
        if self._storing is not None:
            _, late = await asyncio.wait({self._storing}, timeout=STOP_S)
            for task in late:
                task.cancel()
                await asyncio.wait({task})

    @property
    def failure(self) -> BaseException | None:
        """Why nothing is stored any more, if so."""
        storing = self._storing
        return storing.exception() if storing is not None and storing.done() and not storing.cancelled() else None

    async def take_up(self, partitions: Sequence[int]) -> dict[int, int]:
        """The positions from which to read partitions that were assigned; forgets what this worker held before."""
        self._profiles.drop()
        found = await self._store.positions(partitions)
        self._positions.loaded(found)
        return found

    async def rolled_back(self, partition: int, position: int) -> None:
        """Take a partition up again from `position`: the store went back to it."""
        self._profiles.drop_partition(partition)
        await self._protocol.refused({partition: position})

    async def room(self) -> None:
        """Wait until more may be applied."""
        await self._room.wait()

    async def admit(self, records: Sequence[Record], users: Mapping[int, Sequence[str]]) -> list[Admitted]:
        """Load the profiles of `users`, and keep the records of each partition that continue its state."""
        found, moved = await until_available(lambda: self._profiles.load(users), StateUnavailable)
        await self._protocol.refused(moved)
        applied = {partition: cache.position for partition, cache in found.items()}
        stored = {partition: cache.stored for partition, cache in found.items()}
        admitted = await self._protocol.admit(by_partition(records), applied, stored=stored)
        return [Admitted(found[partition], new) for partition, new in admitted.items()]

    def add(
        self,
        effects: Sequence[tuple[Admitted, Sequence[Effect]]],
        messages: Sequence[Message] = (),
        sent: asyncio.Future[None] | None = None,
    ) -> None:
        """Apply effects in memory; `messages` leave before they are committed, and `sent` is awaited.

        Nothing is awaited here: a commit has all of a batch or nothing of it.
        """
        pending = self._pending
        for admitted, found in effects:
            admitted.cache.advance(admitted.records[-1].offset, changed_profiles(found))
            pending.records += len(admitted.records)
            pending.size += sum(len(record.value or b"") for record in admitted.records)
            pending.effects += [effect for effect in found if effect.outcome == "applied"]
        pending.messages += messages
        if sent is not None:
            pending.sent.append(sent)
        if pending.records >= UNSTORED_LIMIT or pending.size >= UNSTORED_BYTES:
            self._room.clear()
        self._changed.set()

    async def store(self) -> None:
        """Publish what goes before the commit, then commit what was applied; one at a time."""
        stages = StageTimer()
        pending, self._pending = self._pending, Pending()
        drained = self._profiles.drain()
        try:
            await asyncio.gather(*pending.sent)
            await self._publish(pending)
            stages.end("signals")
            await self._protocol.commit(lambda: self._profiles.commit(drained))
        except BaseException:
            self._profiles.drop()
            raise
        stages.end("commit")
        self._room.set()

    async def _keep_storing(self) -> None:
        while not self._ending:
            await self._changed.wait()
            self._changed.clear()
            if not self._ending:
                await asyncio.sleep(STORE_EVERY_S)
            await self.store()
