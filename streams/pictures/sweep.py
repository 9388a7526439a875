"""Removes pictures that no item names any more (docs/adr/0034).

A sweep has no memory: it compares what lies in the store with what the catalogue names. So whatever crashed in the
middle of anything, the next sweep removes what is left over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.errors import StreamError
from streams.pictures.named import mark
from streams.pictures.store import PictureFile, PictureStore

#: A file that was written later than this may belong to an item that is still on its way to the catalogue: as long as
#: state.signals keeps it.
GRACE_S = 86_400.0
#: A sweep that would remove more than this share of all files, and more than a few, has read a wrong catalogue.
MOST_SHARE = 0.5
FEW_FILES = 100


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
    marks, unnamed, total = [], [], 0
    is_named = frozenset(named.tolist())
    async for file in store.files():
        total += file.bytes
        marks.append(mark(file.sha256))
        if marks[-1] not in is_named and file.written_s < now_s - GRACE_S:
            unnamed.append(file)
    missing = len(np.setdiff1d(named, np.array(marks, np.uint64)))
    return StoredPictures(len(marks), total, missing, tuple(unnamed))


async def remove(store: PictureStore, found: StoredPictures, now_s: float, *, even_most: bool = False) -> int:
    """Remove what no item names; return the number of files. Raises ObjectsUnavailable and TooManyUnnamed."""
    count = len(found.unnamed)
    if count > max(FEW_FILES, MOST_SHARE * found.files) and not even_most:
        raise TooManyUnnamed(
            f"no item names {count:,} of {found.files:,} files in {store.url}/{store.folder}: nothing is removed. If "
            "the catalogue is whole, run sightline items pictures --sweep --even-most"
        )
    removed = 0
    for file in found.unnamed:
        # The listing may be minutes old.
        written_s = await store.written_s(file.key)
        if written_s is not None and written_s < now_s - GRACE_S:
            await store.remove(file.key)
            removed += 1
    return removed
