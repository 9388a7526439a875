"""Values that arrive under a key, for who waits for them and who asks a little later."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Awaited(Generic[K, V]):
    """The latest value of each key, of which the last `limit` are kept, and the futures of those not there yet."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._waiting: dict[K, set[asyncio.Future[V]]] = {}

    def put(self, key: K, value: V) -> None:
        """Keep a value, and give it to all who wait for its key."""
        self._kept.pop(key, None)
        self._kept[key] = value
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        for future in self._waiting.pop(key, ()):
            if not future.done():
                future.set_result(value)

    @property
    def waiting(self) -> int:
        """For how many keys somebody waits."""
        return len(self._waiting)

    def get(self, key: K) -> V | None:
        """The value of a key, if it arrived and is kept."""
        return self._kept.get(key)

    def drop(self, is_over: Callable[[V], bool]) -> None:
        """Keep the values no longer of which this is true."""
        for key in [key for key, value in self._kept.items() if is_over(value)]:
            del self._kept[key]

    def expect(self, key: K) -> "asyncio.Future[V]":
        """The next value of a key; cancel the future if you no longer wait."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(future)
        future.add_done_callback(lambda done: self._forget(key, done))
        return future

    async def wait(self, key: K, timeout_s: float) -> V | None:
        """The value of a key, now or within `timeout_s`; None where it does not come."""
        if (known := self._kept.get(key)) is not None:
            return known
        try:
            return await asyncio.wait_for(self.expect(key), timeout_s)
        except TimeoutError:
            return None

    def _forget(self, key: K, future: "asyncio.Future[V]") -> None:
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[key]
