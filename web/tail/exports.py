"""What was exported lately, for the users who asked: gone here when the topic no longer has it."""

import time
from collections.abc import Callable

from features.item import hash_of
from sightline_client.privacy import Export, PlaceInLog, join_export
from streams.wire.topics import DAY_MS
from web.tail.awaited import Awaited


class Exports:
    """Exports by the place of their request in events.privacy; an export is there with its last part.

    The last `limit` are kept, for a day, and until the user is forgotten.
    """

    def __init__(self, limit: int, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._parts: Awaited[PlaceInLog, dict[int, Export]] = Awaited(limit)
        self._whole: Awaited[PlaceInLog, Export] = Awaited(limit)
        self._clock_ms = clock_ms

    def put(self, part: Export) -> None:
        """Take an export, or a part of one."""
        parts = (self._parts.get(part.request) or {}) | {part.part: part}
        self._parts.put(part.request, parts)
        try:
            self._whole.put(part.request, join_export(parts.values()))
        except ValueError:
            # Further parts are to come.
            return

    def withdraw(self, user_hash: str) -> None:
        """Keep nothing more of a user, by the hash that the topic names the user by."""
        self._whole.drop(lambda kept: hash_of(kept.user_id) == user_hash)
        self._parts.drop(lambda kept: hash_of(next(iter(kept.values())).user_id) == user_hash)

    async def wait(self, request: PlaceInLog, timeout_s: float) -> Export | None:
        """The export that a request asked for, now or within `timeout_s`; None where it does not come, or is gone."""
        self._whole.drop(lambda kept: kept.made_ms <= self._clock_ms() - DAY_MS)
        return await self._whole.wait(request, timeout_s)
