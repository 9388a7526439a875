"""The newest list of each user that was published lately, and who listens for the next."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from web.event_streams import HEARTBEAT, HEARTBEAT_S, event

#: Bytes of lists that are remembered; the users heard of longest ago are forgotten first.
REMEMBERED_BYTES: Final = 64 << 20
#: What a stream says where the user was forgotten, started over or opted out; the number of the last list stays.
WITHDRAWN: Final = event("withdrawn", b"{}")


class Listener:
    """Who listens for one user's lists. What was not taken yet gives way to what is newer."""

    __slots__ = ("_arrived", "_newest", "is_closed")

    def __init__(self) -> None:
        self._newest: bytes | None = None
        self._arrived: asyncio.Future[None] | None = None
        self.is_closed = False

    def give(self, newest: bytes) -> None:
        """Have the listener take this event next."""
        self._newest = newest
        self._wake()

    def close(self) -> None:
        """End the stream after what was given."""
        self.is_closed = True
        self._wake()

    async def take(self, within_s: float) -> bytes | None:
        """The newest event that was not taken yet; None if there is none for that time, or no more will come."""
        if self._newest is None and not self.is_closed:
            loop = asyncio.get_running_loop()
            self._arrived = loop.create_future()
            timer = loop.call_later(within_s, self._wake)
            try:
                await self._arrived
            finally:
                timer.cancel()
                self._arrived = None
        newest, self._newest = self._newest, None
        return newest

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


class NewestLists:
    """Takes every published list once, and gives it to all who listen for its user."""

    def __init__(self, *, limit_bytes: int = REMEMBERED_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._lists: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._bytes = 0
        self._listeners: dict[str, set[Listener]] = {}
        self._is_closed = False

    def put(self, user_id: str, seq: int, value: bytes) -> None:
        """Take the list of a user; one that is not newer than the last is passed over."""
        known = self._lists.pop(user_id, None)
        if known is not None and seq <= known[0]:
            self._lists[user_id] = known
            return
        self._bytes += len(value) - (0 if known is None else len(known[1]))
        self._lists[user_id] = (seq, value)
        while self._bytes > self._limit_bytes and len(self._lists) > 1:
            _, (_, oldest) = self._lists.popitem(last=False)
            self._bytes -= len(oldest)
        self._tell(user_id, event("list", value, seq))

    def withdraw(self, user_id: str) -> None:
        """Forget the list of a user, and tell who listens that it must not be shown any more."""
        known = self._lists.pop(user_id, None)
        self._bytes -= 0 if known is None else len(known[1])
        self._tell(user_id, WITHDRAWN)

    def newest(self, user_id: str) -> tuple[int, bytes] | None:
        """The `seq` and the JSON of the newest list of a user, if it is remembered."""
        return self._lists.get(user_id)

    @property
    def listening(self) -> int:
        """How many listen now."""
        return sum(map(len, self._listeners.values()))

    async def events(self, user_id: str, after: int = -1) -> AsyncIterator[bytes]:
        """The lists of a user newer than the one whose `seq` is `after`, as events, with heartbeats between."""
        with self._listening(user_id) as listener:
            known = self._lists.get(user_id)
            if known is not None and known[0] != after:
                listener.give(event("list", known[1], known[0]))
            while not listener.is_closed:
                taken = await listener.take(HEARTBEAT_S)
                if taken is not None:
                    yield taken
                elif not listener.is_closed:
                    yield HEARTBEAT

    def close(self) -> None:
        """End all streams: their readers connect again, to another process or to the next one."""
        self._is_closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()

    def _tell(self, user_id: str, newest: bytes) -> None:
        for listener in self._listeners.get(user_id, ()):
            listener.give(newest)

    @contextmanager
    def _listening(self, user_id: str) -> Iterator[Listener]:
        listener = Listener()
        listener.is_closed = self._is_closed
        self._listeners.setdefault(user_id, set()).add(listener)
        try:
            yield listener
        finally:
            listeners = self._listeners[user_id]
            listeners.discard(listener)
            if not listeners:
                del self._listeners[user_id]
