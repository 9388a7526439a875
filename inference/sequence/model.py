"""A trained sequence model, as a value and as the bytes of a file."""

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.sequence.user_tower import UserTower
from inference.trained.stored_file import StoredFile

#: The greatest number in a vector: float16 holds it, and sums of three.
LIMIT: Final = 1e4
#: The most items that are known by id, the most dimensions, and the most bytes of a file.
ITEMS_LIMIT: Final = 100_000
DIMENSIONS_LIMIT: Final = 256
FILE_BYTES: Final = 2 * ITEMS_LIMIT * (4 * DIMENSIONS_LIMIT + 8)
_KEYS, _FLOATS = np.dtype("<u8"), np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class SequenceModel:
    """Vectors [d] of what items are known by, and the `tower` that reads what users chose.

    `keys` uint64 [i], ascending, are the items known by id, `ids` float32 [i + 1, d] their vectors; `categories`
    float32 [c + 1, d] are those of `category_names`. Each begins with the vector of what is unknown. `pictures`
    float32 [p, d] maps the unit vectors of pictures by `encoder`; p is 0 for a model that knows no pictures. `until_ms`
    (Unix ms) is the time of the last choice that it learned.
    """

    until_ms: int
    encoder: str | None
    keys: NDArray[np.uint64]
    ids: NDArray[np.float32]
    category_names: tuple[str, ...]
    categories: NDArray[np.float32]
    pictures: NDArray[np.float32]
    tower: UserTower

    @property
    def dimensions(self) -> int:
        """d."""
        return int(self.ids.shape[1])


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    dimensions: int
    hidden: int
    until_ms: int
    encoder: str | None
    keys: bytes
    ids: bytes
    category_names: tuple[str, ...]
    categories: bytes
    pictures: bytes
    entering: bytes
    remembering: bytes
    biases: bytes
    wish: bytes


_FILE = StoredFile("a sequence model", 1, FILE_BYTES, "sightline train sequence", _Stored)


def encode_model(model: SequenceModel) -> bytes:
    """The model in MessagePack."""
    tower = model.tower
    return _FILE.encode(
        dimensions=model.dimensions,
        hidden=len(tower.wish),
        until_ms=model.until_ms,
        encoder=model.encoder,
        keys=model.keys.astype(_KEYS).tobytes(),
        ids=_bytes(model.ids),
        category_names=model.category_names,
        categories=_bytes(model.categories),
        pictures=_bytes(model.pictures),
        entering=_bytes(tower.entering),
        remembering=_bytes(tower.remembering),
        biases=_bytes(tower.biases),
        wish=_bytes(tower.wish),
    )


def _bytes(table: NDArray[np.float32]) -> bytes:
    return table.astype(_FLOATS).tobytes()


def decode_model(data: bytes) -> SequenceModel:
    """Decode what encode_model made; raises ModelRefused for what this release cannot use."""
    stored = _read(data)
    if len(stored.keys) % _KEYS.itemsize:
        raise _FILE.refused(f"has keys of {len(stored.keys)} bytes, which are not 8 each")
    keys, dimensions = np.frombuffer(stored.keys, _KEYS).astype(np.uint64), stored.dimensions
    if (keys[1:] <= keys[:-1]).any():
        raise _FILE.refused("has keys of items that do not ascend")
    gates = 3 * stored.hidden
    return SequenceModel(
        stored.until_ms,
        stored.encoder,
        keys,
        _table("items", stored.ids, dimensions, len(keys) + 1),
        stored.category_names,
        _table("categories", stored.categories, dimensions, len(stored.category_names) + 1),
        _table("pictures", stored.pictures, dimensions),
        UserTower(
            _table("entering", stored.entering, gates, dimensions),
            _table("remembering", stored.remembering, gates, stored.hidden),
            _table("biases", stored.biases, gates, 2),
            _table("wish", stored.wish, dimensions, stored.hidden),
        ),
    )


def _read(data: bytes) -> _Stored:
    stored = _FILE.decode(data)
    for name, size in (("dimensions", stored.dimensions), ("hidden", stored.hidden)):
        if not 1 <= size <= DIMENSIONS_LIMIT:
            raise _FILE.refused(f"has {name} {size}, not 1 to {DIMENSIONS_LIMIT}")
    return stored


def _table(name: str, data: bytes, width: int, rows: int | None = None) -> NDArray[np.float32]:
    """Float32 [rows, width], any number of rows where that is None, within ±LIMIT."""
    count, rest = divmod(len(data), width * _FLOATS.itemsize)
    if rest or rows not in (None, count):
        raise _FILE.refused(
            f"has {len(data)} bytes of {name}, not {'any' if rows is None else rows} rows of {width} numbers: "
            "it has another shape"
        )
    values = np.frombuffer(data, _FLOATS).astype(np.float32).reshape(count, width)
    # NaN is not less than anything.
    wrong = np.argwhere(~(np.abs(values) <= LIMIT))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise _FILE.refused(f"has {values[row, column]} in row {row} of {name}, not within ±{LIMIT:g}")
    return values
