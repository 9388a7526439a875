"""The kept pictures of one app in an object store: file, s3, gs or az."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from features.vision.kept_picture import FOLDER, sha256_of
from streams.errors import StreamError
from streams.pictures.files import PictureFile, files_in, remove_interrupted
from streams.wire.namespace import Namespace

#: The longest wait for one answer of the store. Writing is tried again (`streams.uploads.picture_keeper`).
ANSWER_S = 5.0
_PAGE = 1000


class PicturesUnavailable(StreamError):
    """The store of pictures does not answer, or takes nothing; try again."""


class NoSuchPicture(StreamError):
    """The store has no picture with this key."""


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
        """Write a whole file, or nothing; what was there is replaced. Raises PicturesUnavailable."""
        self._check(key)
        try:
            async with asyncio.timeout(ANSWER_S):
                await obstore.put_async(await self._open(), key, data, attributes=self._attributes)
        except (BaseError, OSError) as error:
            raise self._unavailable("take", key, error) from error

    async def read(self, key: str) -> bytes:
        """The content of a file; raises NoSuchPicture or PicturesUnavailable."""
        self._check(key)
        try:
            async with asyncio.timeout(ANSWER_S):
                return bytes(await (await obstore.get_async(await self._open(), key)).bytes_async())
        except FileNotFoundError as error:
            raise NoSuchPicture(f"{self.url} has no picture {key!r}") from error
        except (BaseError, OSError) as error:
            raise self._unavailable("give", key, error) from error

    async def files(self) -> AsyncIterator[PictureFile]:
        """All pictures and previews, in no order; raises PicturesUnavailable."""
        try:
            async for page in self._pages():
                for file in page:
                    yield file
        except (BaseError, OSError) as error:
            raise self._unavailable("list", self.folder, error) from error

    async def written_s(self, key: str) -> float | None:
        """The Unix time at which a file was written last; None where there is none. Raises PicturesUnavailable."""
        self._check(key)
        try:
            async with asyncio.timeout(ANSWER_S):
                return (await obstore.head_async(await self._open(), key))["last_modified"].timestamp()
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._unavailable("show", key, error) from error

    async def remove(self, key: str) -> None:
        """Remove a file, if it is there; raises PicturesUnavailable."""
        self._check(key)
        try:
            async with asyncio.timeout(ANSWER_S):
                with suppress(FileNotFoundError):
                    await obstore.delete_async(await self._open(), key)
        except (BaseError, OSError) as error:
            raise self._unavailable("remove", key, error) from error

    async def remove_interrupted(self, before_s: float) -> None:
        """Remove what is left of writes that were interrupted before this Unix time; raises PicturesUnavailable.

        Only a folder of files keeps such.
        """
        if self._home is not None:
            try:
                await asyncio.to_thread(remove_interrupted, self._home, self.folder, before_s)
            except OSError as error:
                raise self._unavailable("remove", "what interrupted writes left", error) from error

    async def _pages(self) -> AsyncIterator[list[PictureFile]]:
        if self._home is not None:
            found = files_in(self._home, self.folder)
            while page := await asyncio.to_thread(list, islice(found, _PAGE)):
                yield page
            return
        async for listed in obstore.list(await self._open(), self.folder, chunk_size=_PAGE):
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

    def _unavailable(self, does: str, what: str, error: BaseException) -> PicturesUnavailable:
        reason = str(error).partition("\n")[0] or f"no answer within {ANSWER_S:g} s"
        return PicturesUnavailable(f"the store of pictures {self.url} does not {does} {what}: {reason}")


def _store_at(url: str) -> ObjectStore:
    """The store. A folder is made, which may fail now and work later."""
    return LocalStore.from_url(url, mkdir=True) if urlsplit(url).scheme == "file" else from_url(url)
