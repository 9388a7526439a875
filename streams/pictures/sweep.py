"""Removes pictures that no item names any more (docs/adr/0034).

A sweep has no memory: it compares what lies in the store with what the catalogue names. So whatever crashed in the
middle of anything, the next sweep removes what is left over.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.errors import StreamError
from streams.metrics import PICTURES
from streams.pictures.files import PictureFile
from streams.pictures.named import mark
from streams.pictures.store import PictureStore
from streams.wire.topics import SIGNALS

#: A picture that was written this long ago is written again for its next item.
FRESH_S: Final = 43_200.0
#: A file that was written later than this may belong to an item that is still on its way to the catalogue: the item
#: may name the file for as long as it is fresh, and then wait for as long as state.signals keeps it.
GRACE_S: Final = FRESH_S + int(SIGNALS.config["retention.ms"]) / 1000
#: A sweep that would remove more than this share of all files, and more than a few, has read a wrong catalogue.
MOST_SHARE = 0.5
FEW_FILES = 100
_REMOVED_AT_ONCE = 16


class TooManyUnnamed(StreamError):
    """Most of the pictures are named by no item: the catalogue is probably another one, or was lost."""


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """The files of the store by what the catalogue says of them: counts and bytes.

    `missing` are pictures that items name and that are not there. `unnamed` files were written more than GRACE_S ago.
    """

    files: int
    bytes: int
    missing: int
    unnamed: tuple[PictureFile, ...]


async def survey(store: PictureStore, named: NDArray[np.uint64], now_s: float) -> StoredPictures:
    """What lies in the store. `named` (`named_pictures`) is read before this; raises ObjectsUnavailable.

    A picture that is uploaded again meanwhile is written again, and so it is not old.
    """
    unnamed, files, total = [], 0, 0
    is_there = np.zeros(len(named), np.bool_)
    async for file in store.files():
        files += 1
        total += file.bytes
        one = np.uint64(mark(file.sha256))
        # Not a set of all marks: the event loop would wait until it is made.
        place = int(named.searchsorted(one))
        if place < len(named) and named[place] == one:
            is_there[place] = True
        elif file.written_s < now_s - GRACE_S:
            unnamed.append(file)
    return StoredPictures(files, total, len(named) - int(np.count_nonzero(is_there)), tuple(unnamed))


async def remove(store: PictureStore, found: StoredPictures, now_s: float, *, even_most: bool = False) -> int:
    """Remove what no item names, and count it; return the number of files.

    What interrupted writes left goes too, and is not counted. Raises ObjectsUnavailable and TooManyUnnamed.
    """
    count = len(found.unnamed)
    if count > max(FEW_FILES, MOST_SHARE * found.files) and not even_most:
        raise TooManyUnnamed(
            f"no item names {count:,} of {found.files:,} files in {store.url}/{store.folder}: nothing is removed. If "
            "the catalogue is whole, run sightline items pictures --sweep --even-most"
        )
    removed = 0
    for first in range(0, count, _REMOVED_AT_ONCE):
        some = found.unnamed[first : first + _REMOVED_AT_ONCE]
        # All of them end before an error is raised, so that none is removed after the sweep.
        ended = await asyncio.gather(*(_remove_old(store, file, now_s) for file in some), return_exceptions=True)
        for each in ended:
            if isinstance(each, BaseException):
                raise each
            removed += each
    await store.remove_interrupted(now_s - GRACE_S)
    return removed


async def _remove_old(store: PictureStore, file: PictureFile, now_s: float) -> bool:
    """Remove a file unless it was written again: the listing may be minutes old."""
    written_s = await store.written_s(file.key)
    if written_s is None or written_s >= now_s - GRACE_S:
        return False
    await store.remove(file.key)
    PICTURES.labels("removed").inc()
    return True
