"""Writes accepted pictures into the object store, while their items go on to the catalogue."""

import asyncio
import time
from asyncio import Task
from collections import OrderedDict
from collections.abc import Callable, Mapping

import stamina

from features.vision.kept import KeptFiles
from features.vision.kept_picture import Keep, KeptPicture, frames_key, full_key, preview_key
from streams.metrics import PICTURES
from streams.objects.errors import ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.pictures.sweep import FRESH_S

#: As a picture is fetched; the attempts end before a worker that waits for them would seem stuck.
ATTEMPTS = 6
TIMEOUT_S = 20.0
#: Pictures of which is known when they were written: 200 bytes each.
_KNOWN_LIMIT = 10_000


class PictureKeeper:
    """Writes pictures by the SHA-256 of the uploaded file; the same picture is written once at a time."""

    def __init__(self, store: PictureStore, keep: Keep, *, clock_s: Callable[[], float] = time.time) -> None:
        self.keep = keep
        self._store = store
        self._clock_s = clock_s
        self._written: OrderedDict[str, float] = OrderedDict()
        self._writing: dict[str, Task[str | None]] = {}
        for outcome in ("kept", "not_kept", "removed"):
            # A counter that begins with its first error would not show an increase.
            PICTURES.labels(outcome)

    def is_fresh(self, sha256: str) -> bool:
        """Whether the picture is being written, or was lately, so that an item may name it."""
        return sha256 in self._writing or self._clock_s() < self._written.get(sha256, float("-inf")) + FRESH_S

    def name(self, sha256: str, files: KeptFiles) -> KeptPicture:
        """What an item says of its picture."""
        preview = preview_key(self._store.folder, sha256)
        key, largest = (preview, files.preview) if files.full is None else (self._full_key(sha256), files.full)
        return KeptPicture(key, preview, files.width, files.height, len(largest))

    def write(self, sha256: str, files: KeptFiles) -> None:
        """Begin to write the files of a picture, unless that is under way."""
        if sha256 not in self._writing:
            by_key = {preview_key(self._store.folder, sha256): files.preview}
            if files.full is not None:
                by_key[self._full_key(sha256)] = files.full
            if files.frames is not None:
                by_key[frames_key(self._store.folder, sha256)] = files.frames
            self._writing[sha256] = asyncio.create_task(self._write(sha256, by_key), name="keep a picture")

    def writing(self, sha256: str) -> Task[str | None] | None:
        """The write that is under way; its result is None, or why the picture is not kept."""
        return self._writing.get(sha256)

    async def close(self) -> None:
        """End what is under way; its uploads come again."""
        tasks = list(self._writing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _full_key(self, sha256: str) -> str:
        return full_key(self._store.folder, sha256)

    async def _write(self, sha256: str, by_key: Mapping[str, bytes]) -> str | None:
        try:
            async for attempt in stamina.retry_context(
                on=ObjectsUnavailable, attempts=ATTEMPTS, timeout=TIMEOUT_S, wait_initial=0.1
            ):
                with attempt:
                    await asyncio.gather(*(self._store.write(key, data) for key, data in by_key.items()))
        except ObjectsUnavailable as error:
            PICTURES.labels("not_kept").inc()
            return str(error)
        finally:
            del self._writing[sha256]
        PICTURES.labels("kept").inc()
        self._written[sha256] = self._clock_s()
        self._written.move_to_end(sha256)
        if len(self._written) > _KNOWN_LIMIT:
            self._written.popitem(last=False)
        return None
