"""Sweeps the store of pictures in the background of one uploads worker."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from threading import Event

import numpy as np
from numpy.typing import NDArray

from streams.errors import AccessRefused, BrokerUnavailable, StreamError
from streams.kafka.log_reader import KafkaLogReader
from streams.logs import log
from streams.metrics import KEPT_PICTURES, KEPT_PICTURES_BYTES
from streams.objects.errors import ObjectsUnavailable
from streams.pictures.named import UnreadableRecord, named_pictures
from streams.pictures.store import PictureStore
from streams.pictures.sweep import TooManyUnnamed, remove, survey
from streams.processing.background import Periodic
from streams.wire.namespace import Namespace

#: How often it looks whether it is time: a worker that takes over sweeps soon.
LOOK_S = 60.0
SWEEP_S = 3600.0


class PictureSweeper(Periodic):
    """Sweeps once in SWEEP_S while `is_active`.

    A store or Kafka that is away is tried again after LOOK_S, then after twice as long each time, up to SWEEP_S: each
    time the whole catalogue is read.
    """

    def __init__(
        self,
        store: PictureStore,
        open_log: Callable[[], KafkaLogReader],
        *,
        namespace: Namespace,
        partitions: int,
        is_active: Callable[[], bool],
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(LOOK_S, name="picture-sweeper")
        self._store = store
        self._open_log = open_log
        self._namespace = namespace
        self._partitions = partitions
        self._is_active = is_active
        self._clock_s = clock_s
        #: When the last sweep began, the time from then to the next, and that after a failure of the next.
        self._swept_s = float("-inf")
        self._wait_s = SWEEP_S
        self._again_s = LOOK_S
        self._stop = Event()

    async def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        await super().stop()

    async def look(self) -> None:
        """Sweep if it is time; what is away, or looks wrong, is logged and removes nothing."""
        now_s = self._clock_s()
        if not self._is_active():
            self._hand_over()
            return
        if now_s < self._swept_s + self._wait_s:
            return
        again_s = self._again_s
        self._swept_s, self._wait_s, self._again_s = now_s, SWEEP_S, LOOK_S
        try:
            await self._sweep(now_s)
        except (ObjectsUnavailable, BrokerUnavailable) as error:
            self._wait_s, self._again_s = again_s, min(2 * again_s, SWEEP_S)
            log.warning("pictures_not_swept", error=str(error))
        except (TooManyUnnamed, UnreadableRecord, AccessRefused) as error:
            log.error("pictures_not_swept", error=str(error))

    async def _sweep(self, now_s: float) -> None:
        named = await asyncio.to_thread(self._named)
        found = await survey(self._store, named, now_s)
        KEPT_PICTURES.labels("stored").set(found.files)
        KEPT_PICTURES.labels("missing").set(found.missing)
        KEPT_PICTURES_BYTES.set(found.bytes)
        try:
            removed = await remove(self._store, found, now_s)
        except StreamError:
            KEPT_PICTURES.labels("unnamed").set(len(found.unnamed))
            raise
        # What was not removed was written again meanwhile.
        KEPT_PICTURES.labels("unnamed").set(0)
        log.info("pictures_swept", files=found.files - removed, removed=removed, missing=found.missing)

    def _hand_over(self) -> None:
        """Say no more what lies in the store, and sweep at once when the first partition comes back."""
        self._swept_s = float("-inf")
        for state in ("stored", "missing", "unnamed"):
            KEPT_PICTURES.labels(state).set(0)
        KEPT_PICTURES_BYTES.set(0)

    def _named(self) -> NDArray[np.uint64]:
        with closing(self._open_log()) as reader:
            return named_pictures(reader, self._namespace, self._partitions, self._stop)
