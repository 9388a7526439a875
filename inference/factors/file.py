"""Latent factors of items, as a value and as the bytes of a file.

`sightline train factors` makes them by alternating least squares (Hu, Koren & Volinsky 2008, "Collaborative Filtering
for Implicit Feedback Datasets"): a user's factor times an item's is about 1 for what the user chooses, else 0.
"""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.words.item_words import VERSION
from inference.catalog.key_table import KeyedRows
from inference.factors.defaults import DIMENSIONS_LIMIT
from inference.factors.item_map import Facts, ItemMap, Part
from inference.factors.stored_map import MAPS_BYTES, StoredMap, item_map_of, stored_maps
from inference.trained.stored_file import StoredFile

#: The most items: a list compares its user with each, which takes 0.6 to 0.8 ms for so many of 64 dimensions.
ITEMS_LIMIT = 100_000
FILE_BYTES = ITEMS_LIMIT * (2 * DIMENSIONS_LIMIT + 8) + 4 * DIMENSIONS_LIMIT**2 + MAPS_BYTES + 4096
_MOST_LEVERAGE = 1.05
_KEYS, _HALVES, _FLOATS = np.dtype("<u8"), np.dtype("<f2"), np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Factors:
    """Factors float16 [n, d] of the items with `keys` uint64 [n] (`features.item.key_of` of the ids), each once.

    `inverse` float32 [d, d] is (Y'Y + λI)⁻¹, by which a user's factor follows from the user's items: Y are all factors,
    λ the regularization by which they were found. `item_map` says what factors other items probably have; None: it is
    not known. `until_ms` is the time of the last choice that was learned (Unix ms); 0: it is not known.
    """

    keys: NDArray[np.uint64]
    vectors: NDArray[np.float16]
    inverse: NDArray[np.float32]
    item_map: ItemMap | None = None
    until_ms: int = 0
    _places: KeyedRows = field(init=False, repr=False, compare=False, default_factory=KeyedRows)

    @classmethod
    def of(
        cls,
        keys: NDArray[np.uint64],
        vectors: NDArray[np.float32],
        regularization: float,
        item_map: ItemMap | None = None,
    ) -> "Factors":
        """The factors float32 [n, d] of items with these keys [n]."""
        gram = (vectors.T @ vectors).astype(np.float64)
        inverse = np.linalg.inv(gram + regularization * np.eye(len(gram)))
        # Symmetric to the last bit, which the file is checked for.
        return cls(keys, vectors.astype(np.float16), ((inverse + inverse.T) / 2).astype(np.float32), item_map)

    def __post_init__(self) -> None:
        """Enter the keys into a table."""
        self._places.put(self.keys, np.arange(len(self.keys)))

    def knows(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which items with these keys [n] have a factor of their own."""
        return self._places.find(keys) >= 0

    def read(self, keys: NDArray[np.uint64], facts: Facts) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The factors float32 [n, d] of items with these keys [n], and which have one [n].

        They are their own, else what the map makes of their `facts`.
        """
        places = self._places.find(keys)
        vectors, has = self.vectors[places].astype(np.float32), places >= 0
        if self.item_map is not None:
            mapped, is_mapped = self.item_map.read(facts)
            vectors, has = np.where(has[:, None], vectors, mapped), has | is_mapped
        return vectors, has


class _Stored(msgspec.Struct, frozen=True):
    format: int
    dimensions: int
    keys: bytes
    vectors: bytes
    inverse: bytes
    encoder: str | None = None
    words: str = ""
    maps: dict[Part, StoredMap] = {}
    until_ms: int = 0


_FILE = StoredFile("a file of factors", 2, FILE_BYTES, "sightline train factors", _Stored, earlier=(1,))


def encode_factors(factors: Factors) -> bytes:
    """The factors in MessagePack."""
    return _FILE.encode(
        dimensions=len(factors.inverse),
        keys=factors.keys.astype(_KEYS).tobytes(),
        vectors=factors.vectors.astype(_HALVES).tobytes(),
        inverse=factors.inverse.astype(_FLOATS).tobytes(),
        encoder=None if factors.item_map is None else factors.item_map.encoder,
        words=VERSION,
        maps={} if factors.item_map is None else stored_maps(factors.item_map),
        until_ms=factors.until_ms,
    )


def decode_factors(data: bytes) -> Factors:
    """Decode what encode_factors made; raises ModelRefused for what this release cannot use."""
    stored = _read(data)
    keys = np.frombuffer(stored.keys, _KEYS).astype(np.uint64)
    vectors = np.frombuffer(stored.vectors, _HALVES).astype(np.float16).reshape(len(keys), stored.dimensions)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise _FILE.refused(f"has no number for its item {wrong[0]} of {len(keys)}")
    if len(np.unique(keys)) < len(keys):
        raise _FILE.refused("has an item twice")
    inverse = np.frombuffer(stored.inverse, _FLOATS).astype(np.float32).reshape(stored.dimensions, -1)
    # Only such a matrix is an inverse of that kind; with another one users' factors may be no numbers.
    if not np.isfinite(inverse).all() or (inverse != inverse.T).any() or np.linalg.eigvalsh(inverse)[0] <= 0:
        raise _FILE.refused("has a matrix that is not symmetric and positive definite")
    # The leverage of an item, y'(Y'Y + λI)⁻¹y, is below 1; float16 takes a little from that.
    with np.errstate(over="ignore", invalid="ignore"):
        leverage = np.einsum("nd,de,ne->n", vectors, inverse, vectors, dtype=np.float32, optimize=True)
    if not (leverage <= _MOST_LEVERAGE).all():
        raise _FILE.refused("has a matrix that is not the one of its factors")
    try:
        item_map = item_map_of(stored.encoder, stored.words, stored.maps, stored.dimensions)
    except ValueError as error:
        raise _FILE.refused(str(error)) from error
    return Factors(keys, vectors, inverse, item_map, stored.until_ms)


def _read(data: bytes) -> _Stored:
    """The parts of a file, of which the sizes agree."""
    stored = _FILE.decode(data)
    count, rest = divmod(len(stored.keys), _KEYS.itemsize)
    if rest or not 1 <= count <= ITEMS_LIMIT:
        raise _FILE.refused(f"has keys of {len(stored.keys)} bytes, not 1 to {ITEMS_LIMIT} of 8")
    sizes = (count * stored.dimensions * _HALVES.itemsize, stored.dimensions**2 * _FLOATS.itemsize)
    found = (len(stored.vectors), len(stored.inverse))
    if not 1 <= stored.dimensions <= DIMENSIONS_LIMIT or found != sizes:
        raise _FILE.refused(
            f"has {found} bytes for {count} items of {stored.dimensions} dimensions "
            f"({DIMENSIONS_LIMIT} at most), not {sizes}: it has another shape"
        )
    return stored
