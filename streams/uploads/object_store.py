"""Reads pictures by key from the one configured object store: file, s3, gs or az."""

import asyncio
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from streams.errors import InvalidEvent
from streams.objects.answers import answering, content, open_store
from streams.objects.errors import ObjectTooLarge
from streams.objects.threads import in_thread
from streams.uploads.references import PICTURE, Kind

#: The longest wait for a picture, as for one at a URL.
READ_S: Final = 10.0
_KEY = re.compile(r"[A-Za-z0-9_.=@+ -]+(/[A-Za-z0-9_.=@+ -]+)*")


class Objects:
    """Reads objects by key. A key is a plain relative path: it cannot leave the bucket or name another bucket.

    Raises ObjectsUnavailable where no store can be there.
    """

    def __init__(self, url: str | None) -> None:
        self._store = None if url is None else open_store(url)
        parts = urlsplit(url or "")
        #: Set only for `file`: a folder can have links that lead out of it, and endless files such as devices.
        self._folder = Path(url2pathname(parts.path)).resolve() if parts.scheme == "file" else None

    async def read(self, key: str, kind: Kind = PICTURE) -> bytes:
        """Return the object's bytes, as many as its kind may have.

        Raises InvalidEvent, ObjectMissing or ObjectsUnavailable.
        """
        if self._store is None:
            raise InvalidEvent("no_object_store", f"{kind.field} needs SIGHTLINE_OBJECT_STORE to be set on the worker")
        if not _KEY.fullmatch(key) or ".." in key.split("/") or "." in key.split("/"):
            raise InvalidEvent("bad_object_key", f"{kind.field} {key!r} is not a plain key such as shop/2024/shoe.jpg")
        failed, missing = f"the object store does not give {key!r}", f"there is no object {key!r}"
        async with answering(failed, missing=missing, within_s=READ_S):
            if self._folder is not None:
                await asyncio.to_thread(_check_file, self._folder, key, kind.field)
            try:
                return await in_thread(content, self._store, key, kind.most_bytes)
            except ObjectTooLarge as error:
                raise InvalidEvent(kind.reason, f"{key!r} has {error}") from error


def _check_file(folder: Path, key: str, field: str) -> None:
    file = (folder / key).resolve()
    if not file.is_relative_to(folder):
        raise InvalidEvent("bad_object_key", f"{field} {key!r} is a link that leads out of the object store")
    if file.exists() and not file.is_file() and not file.is_dir():
        raise InvalidEvent("bad_object_key", f"{field} {key!r} is a device or a pipe, not a file")
