"""A file of a model: a path on this machine, or a URL in an object store."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from inference.errors import ModelRefused
from streams.objects.errors import ObjectMissing, ObjectsUnavailable


class ModelFile:
    """The file at a place (`streams.addresses.file_place`). What is written replaces it as a whole, or not at all."""

    def __init__(self, place: str) -> None:
        self.place = place
        url = urlsplit(place)
        is_local = url.scheme in ("", "file")
        path = Path(url2pathname(url.path) if url.scheme else place).absolute()
        root = "file:///" if is_local else f"{url.scheme}://{url.netloc}"
        self._store = from_url(root)
        self._key = path.as_posix().removeprefix("/") if is_local else url.path.removeprefix("/")

    async def read(self, most: int, known: str | None = None) -> tuple[bytes, str] | None:
        """The file, and a name for its version; None where that is `known`.

        Raises ObjectMissing, ObjectsUnavailable, and ModelRefused for a file of more than `most` bytes.
        """
        try:
            meta = await obstore.head_async(self._store, self._key)
            version = f"{meta['e_tag']} {meta['last_modified']}"
            if version == known:
                return None
            if meta["size"] > most:
                raise ModelRefused(f"{self.place} has {meta['size']} bytes, more than {most}: it is not one of ours")
            result = await obstore.get_async(self._store, self._key)
            return bytes(await result.bytes_async()), version
        except FileNotFoundError as error:
            raise ObjectMissing(f"there is no file {self.place}") from error
        except (BaseError, OSError) as error:
            raise ObjectsUnavailable(f"{self.place} cannot be read: {error}") from error

    def write(self, data: bytes) -> None:
        """Write the file; raises ObjectsUnavailable."""
        try:
            obstore.put(self._store, self._key, data)
        except (BaseError, OSError) as error:
            raise ObjectsUnavailable(f"{self.place} cannot be written: {error}") from error
