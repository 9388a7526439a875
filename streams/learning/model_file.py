"""A file of a model: a path on this machine, or a URL in an object store."""

import asyncio
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError

from inference.errors import ModelRefused
from streams.objects.answers import ANSWER_S, content, first_line, open_store
from streams.objects.errors import ObjectMissing, ObjectsUnavailable, ObjectTooLarge
from streams.objects.threads import in_thread

#: The longest wait for the content of a file, after that for an answer: a worker that starts waits for both.
CONTENT_S: Final = 60.0


class ModelFile:
    """The file at a place (`streams.addresses.file_place`). What is written replaces it as a whole, or not at all.

    Raises ObjectsUnavailable where no store can be there.
    """

    def __init__(self, place: str, *, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self.place = place
        url = urlsplit(place)
        is_local = url.scheme in ("", "file")
        # The store takes no `..` in a path.
        path = Path(os.path.abspath(url2pathname(url.path) if url.scheme else place))  # noqa: PTH100  # see above
        root = "file:///" if is_local else f"{url.scheme}://{url.netloc}"
        self._store = open_store(root, of=place)
        self._key = path.as_posix().lstrip("/") if is_local else url.path.removeprefix("/")

    async def read(self, most: int, known: str | None = None) -> tuple[bytes, str] | None:
        """The file, and a name for its version; None where that is `known`.

        Raises ObjectMissing, ObjectsUnavailable, and ModelRefused for a file of more than `most` bytes.
        """
        try:
            async with asyncio.timeout(self._answer_s):
                meta = await in_thread(obstore.head, self._store, self._key)
            version = f"{meta['e_tag']} {meta['last_modified']}"
            if version == known:
                return None
            async with asyncio.timeout(CONTENT_S):
                return await in_thread(content, self._store, self._key, most), version
        except ObjectTooLarge as error:
            raise ModelRefused(f"{self.place} has {error}: it is not one of ours") from error
        except FileNotFoundError as error:
            raise ObjectMissing(f"there is no file {self.place}") from error
        except TimeoutError as error:
            raise ObjectsUnavailable(f"{self.place} cannot be read: its store is too slow, or away") from error
        except (BaseError, OSError) as error:
            raise ObjectsUnavailable(f"{self.place} cannot be read: {first_line(error)}") from error

    def write(self, data: bytes) -> None:
        """Write the file; raises ObjectsUnavailable."""
        try:
            obstore.put(self._store, self._key, data)
        except (BaseError, OSError) as error:
            raise ObjectsUnavailable(f"{self.place} cannot be written: {first_line(error)}") from error
