"""Keeps profiles in memory and stores them a moment later: one commit covers all batches since the last commit.

Lists are sent at once, so no event waits for Redis (docs/adr/0008). A crash repeats up to STORE_EVERY_S of events.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from state.errors import StateUnavailable
from state.profiles import ProfileStore
from state.write_behind import PROFILES_LIMIT, PartitionCache, WriteBehindProfiles
from streams.interactions.reducer import Effect, changed_profiles
from streams.metrics import StageTimer
from streams.processing.background import failure_of
from streams.processing.commit_protocol import CommitProtocol
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.wire.records import Message, Record, by_partition

STORE_EVERY_S = 0.1
#: Maximum number of applied events that are not stored. While Redis or Kafka is down, further events wait in the topic.
UNSTORED_LIMIT = 4096
#: Maximum size of these events and of the messages that follow from them, such as dead letters and exports, in bytes.
UNSTORED_BYTES = 64 << 20
#: Time limit for the last store when the process ends.
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """The records of one partition that continue its state, and the state (`cache`)."""

    cache: PartitionCache
    records: Sequence[Record]


@dataclass(slots=True)
class Pending:
    """The content of the next commit: effects in memory, and `messages` to publish before it; `size` is in bytes."""

    records: int = 0
    size: int = 0
    effects: list[Effect] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    #: Lists that are being sent.
    sent: list[asyncio.Future[None]] = field(default_factory=list)


class StoreLoop:
    """Loads profiles, keeps the effects that `add` applies, and commits them every STORE_EVERY_S.

    `publish` sends the messages that must be acknowledged before the commit. Only one caller may load and add, and only
    one `store` may run at a time.
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
        self._changed, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()
        self._stopping = False
        self._store_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to store added effects in the background."""
        self._store_task = asyncio.create_task(self._store_repeatedly(), name="storing")

    async def stop(self) -> None:
        """Store the remaining effects if the services answer within STOP_S. Others are applied again later."""
        self._stopping = True
        self._changed.set()
        if self._store_task is not None:
            _, unfinished = await asyncio.wait({self._store_task}, timeout=STOP_S)
            for task in unfinished:
                task.cancel()
                await asyncio.wait({task})

    @property
    def failure(self) -> BaseException | None:
        """The exception that stopped the loop; None while it runs."""
        return failure_of(self._store_task)

    async def take_up(self, partitions: Sequence[int]) -> dict[int, int]:
        """Return the positions from which to read newly assigned partitions; drop all cached profiles."""
        self._profiles.drop()
        stored = await self._store.positions(partitions)
        self._positions.loaded(stored)
        return stored

    async def rolled_back(self, partition: int, position: int) -> None:
        """Resume a partition from `position`, because the store was rolled back to it."""
        self._profiles.drop_partition(partition)
        await self._protocol.refused({partition: position})

    async def room(self) -> None:
        """Wait until more effects may be added."""
        await self._has_room.wait()

    async def admit(self, records: Sequence[Record], users: Mapping[int, Sequence[str]]) -> list[Admitted]:
        """Load the profiles of `users` by partition, and return each partition's records that continue its state."""
        caches, moved = await until_available(lambda: self._profiles.load(users), StateUnavailable)
        await self._protocol.refused(moved)
        applied = {partition: cache.position for partition, cache in caches.items()}
        stored = {partition: cache.stored for partition, cache in caches.items()}
        admitted = await self._protocol.admit(by_partition(records), applied, stored=stored)
        return [Admitted(caches[partition], new) for partition, new in admitted.items()]

    def add(
        self,
        effects: Sequence[tuple[Admitted, Sequence[Effect]]],
        messages: Sequence[Message] = (),
        sent: asyncio.Future[None] | None = None,
    ) -> None:
        """Apply effects in memory. The commit first awaits `sent` and publishes `messages`.

        This method awaits nothing: a commit includes a whole batch or none of it.
        """
        pending = self._pending
        for admitted, applied in effects:
            admitted.cache.advance(admitted.records[-1].offset, changed_profiles(applied))
            pending.records += len(admitted.records)
            pending.size += sum(len(record.value or b"") for record in admitted.records)
            pending.effects += [effect for effect in applied if effect.outcome == "applied"]
        pending.messages += messages
        # An answer may be much larger than the request for it.
        pending.size += sum(len(message.value or b"") for message in messages)
        if sent is not None:
            pending.sent.append(sent)
        if pending.records >= UNSTORED_LIMIT or pending.size >= UNSTORED_BYTES:
            self._has_room.clear()
        self._changed.set()

    async def store(self) -> None:
        """Publish the pending messages, then commit the applied effects. Only one call may run at a time."""
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
        self._has_room.set()

    async def _store_repeatedly(self) -> None:
        while not self._stopping:
            await self._changed.wait()
            self._changed.clear()
            if not self._stopping:
                await asyncio.sleep(STORE_EVERY_S)
            await self.store()
