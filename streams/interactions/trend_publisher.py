"""Publishes what rises on the topic trends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.retrieval.rising import find_rising, leaders_of
from sightline_client.trends import Rising, RisingKind, Trends
from streams.metrics import RISING
from streams.processing.background import Periodic
from streams.wire.records import Message

PUBLISH_EVERY_S: Final = 30.0


class TrendPublisher(Periodic):
    """Publishes one record of each kind every PUBLISH_EVERY_S, also if nothing rises, while `is_active`.

    `table` gives what the items agent counted (`features.trends`), as lists see it. Nothing waits for Kafka: what it
    does not take now is said again soon.
    """

    def __init__(
        self,
        catalog: Catalog,
        table: Callable[[], NDArray[np.void]],
        publish: Callable[[Sequence[Message]], Awaitable[int]],
        topic: str,
        *,
        is_active: Callable[[], bool],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        super().__init__(PUBLISH_EVERY_S, name="trends")
        self._catalog = catalog
        self._table = table
        self._publish = publish
        self._topic = topic
        self._is_active = is_active
        self._clock_ms = clock_ms

    async def look(self) -> None:
        """Publish what rises now, if this worker is the one that does."""
        now_ms = self._clock_ms()
        if not self._is_active():
            self._count(dict.fromkeys(get_args(RisingKind), ()))
            return
        # Items come and go while the copy is looked at: comparing looks takes milliseconds, which lists do not have.
        leaders = leaders_of(self._table(), self._catalog, now_ms)
        found = await asyncio.to_thread(find_rising, leaders)
        self._count(found)
        await self._publish(
            [
                Message(
                    self._topic,
                    kind.encode(),
                    msgspec.json.encode(Trends(kind=kind, at_ms=now_ms, rising=rising)),
                    partition=0,
                )
                for kind, rising in found.items()
            ]
        )

    def _count(self, found: Mapping[RisingKind, Sequence[Rising]]) -> None:
        for kind, rising in found.items():
            RISING.labels(kind).set(len(rising))
