"""The kept pictures of one app in an object store: file, s3, gs or az."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.store import LocalStore, ObjectStore

from features.vision.formats import MAX_BYTES
from features.vision.kept_picture import FOLDER, sha256_of
from streams.objects.answers import answering, content, pages, store_at
from streams.objects.errors import ObjectMissing, ObjectTooLarge
from streams.objects.threads import in_thread
from streams.pictures.files import PictureFile, files_in, remove_interrupted
from streams.wire.namespace import Namespace

_PAGE = 1000


class PictureStore:
    """Files by key below the app's folder. No other key is read, written or removed."""

    def __init__(self, url: str, namespace: Namespace) -> None:
        self.url = url
        self.folder = namespace.named(FOLDER)
        self._opened: ObjectStore | None = None
        parts = urlsplit(url)
        #: Set only for `file`.
        self._home = Path(url2pathname(parts.path)) if parts.scheme == "file" else None
        #: A folder of files knows no content types.
        self._attributes = None if self._home is not None else {"Content-Type": "image/webp"}

    async def write(self, key: str, data: bytes) -> None:
        """Write a whole file, or nothing; what was there is replaced. Raises ObjectsUnavailable."""
        self._check(key)
        async with answering(self._failed("take", key)):
            await in_thread(obstore.put, await self._open(), key, data, attributes=self._attributes)

    async def read(self, key: str) -> bytes:
        """The content of a file; raises ObjectMissing, also for one too large to be ours, or ObjectsUnavailable."""
        self._check(key)
        missing = f"{self.url} has no picture {key!r}"
        async with answering(self._failed("give", key), missing=missing):
            try:
                return await in_thread(content, await self._open(), key, MAX_BYTES)
            except ObjectTooLarge as error:
                raise ObjectMissing(f"{missing}: what is there has {error}") from error

    async def files(self) -> AsyncIterator[PictureFile]:
        """All pictures and previews, in no order; raises ObjectsUnavailable."""
        async with answering(self._failed("list", self.folder), within_s=None):
            async for page in self._pages():
                for file in page:
                    yield file

    async def written_s(self, key: str) -> float | None:
        """The Unix time at which a file was written last; None where there is none. Raises ObjectsUnavailable."""
        self._check(key)
        async with answering(self._failed("show", key)):
            try:
                meta = await in_thread(obstore.head, await self._open(), key)
                return meta["last_modified"].timestamp()
            except FileNotFoundError:
                return None

    async def remove(self, key: str) -> None:
        """Remove a file, if it is there; raises ObjectsUnavailable."""
        self._check(key)
        # However long it takes: a call that nobody waits for would remove the file later, when it may be a new one.
        async with answering(self._failed("remove", key), within_s=None):
            with suppress(FileNotFoundError):
                await in_thread(obstore.delete, await self._open(), key)

    async def remove_interrupted(self, before_s: float) -> None:
        """Remove what is left of writes that were interrupted before this Unix time; raises ObjectsUnavailable.

        Only a folder of files keeps such.
        """
        if self._home is not None:
            async with answering(self._failed("remove", "what interrupted writes left"), within_s=None):
                await asyncio.to_thread(remove_interrupted, self._home, self.folder, before_s)

    async def _pages(self) -> AsyncIterator[list[PictureFile]]:
        if self._home is not None:
            found = files_in(self._home, self.folder)
            while page := await asyncio.to_thread(list, islice(found, _PAGE)):
                yield page
            return
        async for listed in pages(obstore.list(await self._open(), self.folder, chunk_size=_PAGE)):
            yield [
                PictureFile(each["path"], sha256, each["size"], each["last_modified"].timestamp())
                for each in listed
                if (sha256 := sha256_of(each["path"])) is not None
            ]

    async def _open(self) -> ObjectStore:
        if self._opened is None:
            self._opened = await asyncio.to_thread(_store_at, self.url)
        return self._opened

    def _check(self, key: str) -> None:
        if not key.startswith(f"{self.folder}/") or sha256_of(key) is None:
            raise ValueError(f"{key!r} is no key of a picture of this app, such as {self.folder}/ab/ab….webp")

    def _failed(self, do: str, what: str) -> str:
        return f"the store of pictures {self.url} does not {do} {what}"


def _store_at(url: str) -> ObjectStore:
    """The store. A folder is made, which may fail now and work later."""
    return LocalStore.from_url(url, mkdir=True) if urlsplit(url).scheme == "file" else store_at(url)
