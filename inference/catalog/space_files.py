"""The files of one vector space in a snapshot: its vectors, their pictures' keys, its index as usearch writes it."""

from pathlib import Path

import msgspec
import numpy as np

from inference.catalog.arrays import VectorRows
from inference.catalog.index import HnswIndex
from inference.catalog.vector_space import SpaceContents, VectorSpace


class SpaceManifest(msgspec.Struct, frozen=True):
    """What the files hold; `index` is the kind of the index (see HnswIndex)."""

    encoder: str | None
    dimensions: int
    index: str


def expected_manifest(space: VectorSpace) -> SpaceManifest:
    """The manifest of files that this space can be filled with; without an encoder it takes that of any."""
    return SpaceManifest(space.encoder, space.dimensions, HnswIndex(space.dimensions).kind)


def write_space(folder: Path, number: int, space: VectorSpace, rows: int) -> SpaceManifest:
    """Write the first `rows` rows of the space with this number, 0 for the pictures. Raises OSError."""
    contents = space.contents()
    assert isinstance(contents.index, HnswIndex), "only an index in memory is kept in files. This is a bug."
    contents.index.save(_index(folder, number))
    np.save(_vectors(folder, number), contents.vectors.stored(rows))
    np.save(_keys(folder, number), contents.keys[:rows])
    return SpaceManifest(contents.encoder, space.dimensions, contents.index.kind)


def read_space(folder: Path, number: int, manifest: SpaceManifest, rows: int) -> SpaceContents:
    """Read what `write_space` wrote; raises OSError, ValueError or RuntimeError for files that are not as written."""
    vectors = VectorRows(manifest.dimensions)
    vectors.put(np.arange(rows), np.load(_vectors(folder, number), mmap_mode="r"))
    index = HnswIndex(manifest.dimensions, vectors)
    index.load(_index(folder, number))
    return SpaceContents(manifest.encoder, vectors, index, np.load(_keys(folder, number)))


def _index(folder: Path, number: int) -> Path:
    return folder / (f"index-{number}.usearch" if number else "index.usearch")


def _vectors(folder: Path, number: int) -> Path:
    return folder / (f"vectors-{number}.npy" if number else "vectors.npy")


def _keys(folder: Path, number: int) -> Path:
    return folder / (f"pictures-{number}.npy" if number else "pictures.npy")
