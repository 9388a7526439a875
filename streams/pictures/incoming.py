"""Uploads that are too large for their event: they wait in the object store for an uploads worker, and go later."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final

import obstore
from obstore.store import ObjectStore

from streams.logs import log
from streams.objects.answers import answering, open_store, pages
from streams.objects.errors import ObjectsUnavailable
from streams.objects.threads import in_thread
from streams.processing.background import Periodic
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS, UPLOADS

#: The folder of an app in the store of SIGHTLINE_OBJECT_STORE is its topic prefix, followed by this.
FOLDER: Final = "incoming"
#: For so long an event, or its dead letter, may name a file.
KEPT_S: Final = sum(int(topic.config["retention.ms"]) for topic in (UPLOADS, DEAD_LETTERS)) / 1000
SWEEP_S: Final = 3600.0
#: The longest wait for the store to take a file.
WRITE_S: Final = 20.0


class Incoming(Periodic):
    """Writes uploads by their SHA-256, and removes in the background those that no event names any more.

    Several processes may do so beside each other: what one removed is gone for the others, too.
    """

    def __init__(self, url: str, namespace: Namespace, *, clock_s: Callable[[], float] = time.time) -> None:
        super().__init__(SWEEP_S, name="incoming-sweeper", passing_over=(ObjectsUnavailable,))
        self._url = url
        self._folder = namespace.named(FOLDER)
        self._clock_s = clock_s
        self._opened: ObjectStore | None = None

    async def write(self, data: bytes) -> str:
        """Write a file, and return its key; the same one again is as if it were new. Raises ObjectsUnavailable."""
        key = f"{self._folder}/{(await asyncio.to_thread(sha256, data)).hexdigest()}"
        async with answering(f"the object store {self._url} does not take {key}", within_s=WRITE_S):
            await in_thread(obstore.put, self._open(), key, data)
        return key

    async def look(self) -> None:
        """Remove what was written more than KEPT_S ago; raises ObjectsUnavailable."""
        store, before_s, removed = self._open(), self._clock_s() - KEPT_S, 0
        async with answering(f"the object store {self._url} does not list {self._folder}", within_s=None):
            async for page in pages(obstore.list(store, self._folder)):
                for file in page:
                    if file["last_modified"].timestamp() < before_s:
                        with suppress(FileNotFoundError):
                            await in_thread(obstore.delete, store, file["path"])
                        removed += 1
        if removed:
            log.info("incoming_swept", removed=removed)

    def _open(self) -> ObjectStore:
        if self._opened is None:
            self._opened = open_store(self._url)
        return self._opened
