"""A catalogue in files, so that a worker need not read and index all of it again to start.

A snapshot is a folder that appears whole, by a rename: the vector index as usearch writes it, an array a column, the
vectors, the ids, and a manifest with the place in the topic that all this stands for and a checksum of each file.
"""

import shutil
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec
import numpy as np

from features.vision.colours import COLOUR_NAMES
from inference.catalog.arrays import VectorRows
from inference.catalog.catalog import COLUMNS, Catalog, Contents
from inference.catalog.index import HnswIndex
from inference.catalog.item_ids import ItemIds
from inference.errors import SnapshotUnusable

_VERSION: Final = 2
_MANIFEST, _INDEX, _IDS = "manifest.json", "index.usearch", "ids.msgpack"
_VECTORS, _COLOURS = "vectors.npy", "colours.npy"
_UNFINISHED: Final = ".writing-"
#: What began to be written so long ago was given up.
_GIVEN_UP_S: Final = 3600.0
_CHUNK_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """What a catalogue is a replica of: a topic, and in each of its partitions the first offset not read yet."""

    topic_id: str
    offsets: Mapping[int, int]
    written_ms: int


class Manifest(msgspec.Struct, frozen=True):
    """What the files hold."""

    version: int
    origin: Origin
    encoder: str | None
    dimensions: int
    index: str
    items: int
    checksums: dict[str, int]


class _Ids(msgspec.Struct, frozen=True):
    """What does not fit into arrays (see Contents); the items' ids as ItemIds packs them."""

    text: bytes
    places: bytes
    categories: list[str]
    free: list[int]
    others: list[tuple[str, int, str | None]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One that was found; its files are not looked at yet."""

    folder: Path
    manifest: Manifest


def write_snapshot(folder: Path, catalog: Catalog, origin: Origin) -> Snapshot:
    """Write a catalogue that does not change meanwhile; older snapshots are removed. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    _remove_given_up(folder)
    unfinished = Path(mkdtemp(prefix=_UNFINISHED, dir=folder))
    try:
        snapshot = Snapshot(folder / f"{origin.written_ms:015d}", _write(unfinished, catalog, origin))
        unfinished.rename(snapshot.folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    for older in _folders(folder):
        if older.name < snapshot.folder.name:
            shutil.rmtree(older, ignore_errors=True)
    return snapshot


def find_snapshot(folder: Path) -> Snapshot | None:
    """The latest snapshot, or None; raises SnapshotUnusable for one that says nothing of itself."""
    newest = max(_folders(folder), default=None)
    if newest is None:
        return None
    try:
        manifest = msgspec.json.decode((newest / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotUnusable(f"{newest / _MANIFEST} cannot be read: {error}") from error
    return Snapshot(newest, manifest)


def load_snapshot(snapshot: Snapshot, catalog: Catalog) -> None:
    """Fill an empty catalogue; raises SnapshotUnusable, and leaves the catalogue empty, where that cannot be done."""
    manifest, folder = snapshot.manifest, snapshot.folder
    vectors = VectorRows(catalog.dimensions)
    index = HnswIndex(catalog.dimensions, vectors)
    _check(manifest, index, catalog)
    try:
        for name, expected in manifest.checksums.items():
            if _checksum(folder / name) != expected:
                raise SnapshotUnusable(f"{folder / name} is not what was written")
        contents = _read(folder, manifest, vectors, index)
    except (OSError, ValueError, RuntimeError, msgspec.DecodeError) as error:
        raise SnapshotUnusable(f"{folder} cannot be read: {error}") from error
    rows = {manifest.items, len(contents.item_ids), *map(len, contents.columns.values())}
    if len(rows) != 1 or len(index) != np.count_nonzero(contents.columns["available"]):
        raise SnapshotUnusable(f"the files in {folder} do not belong together")
    catalog.fill(contents)


def _write(folder: Path, catalog: Catalog, origin: Origin) -> Manifest:
    contents = catalog.contents()
    index = contents.index
    assert isinstance(index, HnswIndex), "only an index in our memory is kept in files. This is a bug."
    index.save(folder / _INDEX)
    count = len(contents.item_ids)
    for name, column in contents.columns.items():
        np.save(folder / f"{name}.npy", column[:count])
    for path, vectors in ((_VECTORS, contents.vectors), (_COLOURS, contents.colours)):
        np.save(folder / path, vectors.stored(count))
    text, places = contents.item_ids.packed()
    ids = _Ids(text, places, list(contents.category_names), list(contents.free), list(contents.others))
    (folder / _IDS).write_bytes(msgspec.msgpack.encode(ids))
    manifest = Manifest(
        version=_VERSION,
        origin=origin,
        encoder=contents.encoder,
        dimensions=catalog.dimensions,
        index=index.kind,
        items=count,
        checksums={path.name: _checksum(path) for path in sorted(folder.iterdir())},
    )
    (folder / _MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return manifest


def _read(folder: Path, manifest: Manifest, vectors: VectorRows, index: HnswIndex) -> Contents:
    colours = VectorRows(len(COLOUR_NAMES))
    for name, rows in ((_VECTORS, vectors), (_COLOURS, colours)):
        rows.put(np.arange(manifest.items), np.load(folder / name, mmap_mode="r"))
    index.load(folder / _INDEX)
    ids = msgspec.msgpack.decode((folder / _IDS).read_bytes(), type=_Ids)
    return Contents(
        encoder=manifest.encoder,
        item_ids=ItemIds.unpacked(ids.text, ids.places),
        category_names=ids.categories,
        free=ids.free,
        others=ids.others,
        columns={name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS},
        colours=colours,
        vectors=vectors,
        index=index,
    )


def _check(manifest: Manifest, index: HnswIndex, catalog: Catalog) -> None:
    found = (manifest.version, manifest.dimensions, manifest.index)
    wanted = (_VERSION, catalog.dimensions, index.kind)
    if found != wanted:
        raise SnapshotUnusable(f"its version, dimensions and index are {found}, not {wanted}")
    if catalog.encoder is not None and manifest.encoder != catalog.encoder:
        raise SnapshotUnusable(f"its vectors are of encoder {manifest.encoder}, not {catalog.encoder}")


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("[0-9]*") if path.is_dir()]


def _remove_given_up(folder: Path) -> None:
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _GIVEN_UP_S:
                shutil.rmtree(path, ignore_errors=True)
