"""A catalogue in files, so that a worker starts without reading and indexing the whole topic again.

A snapshot is a folder that appears whole, by a rename: an array for each column, the vectors and the usearch index of
each space, the ids, and a manifest with the offsets that the files stand for and a checksum of each file.
"""

import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from features.vision.colours import COLOUR_NAMES
from features.vision.descriptors.packed import PACKED_BYTES, VERSION
from features.words.item_words import DIMENSIONS
from features.words.item_words import VERSION as WORDS_VERSION
from inference.catalog.arrays import VectorRows
from inference.catalog.catalog import COLUMNS, Catalog, Contents
from inference.catalog.clips.hashes import HashedFrames
from inference.catalog.facts.attributes import AttributeRows
from inference.catalog.item_ids import ItemIds
from inference.catalog.space_files import SpaceManifest, expected_manifest, read_space, write_space
from inference.errors import SnapshotUnusable
from inference.files import unfinished_folder

#: A snapshot of any other version is not used: 6 lacks the words, 7 the hashes, 8 attributes, 9 what is a copy, and in
#: 10 what is seen in a picture counts as much as what is said, and 11 does not say which of the two an item has;
#: 12 lacks the tags, 13 the hashes of clips.
_VERSION: Final = 14
#: Joined vectors are made of descriptors as well, so a snapshot with other descriptors is not used.
_DESCRIPTORS: Final = (VERSION, PACKED_BYTES)
_ATTRIBUTES: Final = "attributes.npy"
_TAGS: Final = "tags.npy"
_MANIFEST, _IDS, _COLOURS, _WORDS = "manifest.json", "ids.msgpack", "colours.npy", "words.npy"
_CLIP_ROWS, _CLIP_FRAMES = "clip-rows.npy", "clip-frames.npy"
_HASHED_ROWS, _CLIP_HASHES = "clip-hashed-rows.npy", "clip-hashes.npy"
_CHUNK_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """The topic of which a catalogue is a replica, and the first offset that it has not read, by partition."""

    topic_id: str
    offsets: Mapping[int, int]
    written_ms: int


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the files hold; `encoder`, `dimensions` and `index` are of the pictures.

    `descriptors` are the version and the bytes of an item's descriptors (`features.vision.descriptors.packed`), `words`
    the version of the tower whose vectors it has, or has in its joined vectors.
    """

    version: int
    origin: Origin
    encoder: str | None
    dimensions: int
    index: str
    items: int
    checksums: dict[str, int]
    descriptors: tuple[int, int] = (0, 0)
    words: str = ""
    further_spaces: tuple[SpaceManifest, ...] = ()

    @property
    def spaces(self) -> tuple[SpaceManifest, ...]:
        """All spaces, in the order of the catalogue's."""
        return (SpaceManifest(self.encoder, self.dimensions, self.index), *self.further_spaces)


class _Ids(msgspec.Struct, frozen=True):
    """What does not fit into arrays (see Contents); the items' ids as ItemIds packs them."""

    text: bytes
    places: bytes
    categories: list[str]
    free: list[int]
    others: dict[int, str | None]
    attributes: list[tuple[str, str]]
    tags: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that was found; its files are not read yet."""

    folder: Path
    manifest: Manifest


def write_snapshot(folder: Path, catalog: Catalog, origin: Origin) -> Snapshot:
    """Write a catalogue, which must not change meanwhile, and remove older snapshots. Raises OSError."""
    with unfinished_folder(folder) as unfinished:
        snapshot = Snapshot(folder / f"{origin.written_ms:015d}", _write(unfinished, catalog, origin))
        unfinished.rename(snapshot.folder)
    for older in _folders(folder):
        if older.name < snapshot.folder.name:
            shutil.rmtree(older, ignore_errors=True)
    return snapshot


def find_snapshot(folder: Path) -> Snapshot | None:
    """The latest snapshot, or None; raises SnapshotUnusable where its manifest cannot be read."""
    newest = max(_folders(folder), default=None)
    if newest is None:
        return None
    try:
        manifest = msgspec.json.decode((newest / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotUnusable(f"{newest / _MANIFEST} cannot be read: {error}") from error
    return Snapshot(newest, manifest)


def load_snapshot(snapshot: Snapshot, catalog: Catalog) -> None:
    """Fill an empty catalogue; where that fails, raise SnapshotUnusable and leave the catalogue empty."""
    manifest, folder = snapshot.manifest, snapshot.folder
    _check(manifest, [expected_manifest(space) for space in catalog.spaces])
    if catalog.words is not None and _WORDS not in manifest.checksums:
        raise SnapshotUnusable("it has no words of items, which are turned on")
    try:
        for name, expected in manifest.checksums.items():
            if _checksum(folder / name) != expected:
                raise SnapshotUnusable(f"{folder / name} is not what was written")
        contents = _read(folder, manifest)
    except (OSError, ValueError, RuntimeError, msgspec.DecodeError) as error:
        raise SnapshotUnusable(f"{folder} cannot be read: {error}") from error
    rows = {manifest.items, len(contents.item_ids), *map(len, contents.columns.values())}
    rows |= {len(space.keys) for space in contents.spaces}
    indexed = [space.index.contains(np.arange(manifest.items)) for space in contents.spaces]
    is_known = [space.keys[found].all() for space, found in zip(contents.spaces, indexed, strict=True)]
    if len(rows) != 1 or not all(is_known) or not contents.columns["available"][indexed[0]].all():
        raise SnapshotUnusable(f"the files in {folder} do not belong together")
    catalog.fill(contents)


def _write(folder: Path, catalog: Catalog, origin: Origin) -> Manifest:
    contents = catalog.contents()
    count = len(contents.item_ids)
    for name, column in contents.columns.items():
        np.save(folder / f"{name}.npy", column[:count])
    np.save(folder / _COLOURS, contents.colours.stored(count))
    np.save(folder / _ATTRIBUTES, contents.attributes.stored(count))
    np.save(folder / _TAGS, contents.tags.stored(count))
    np.save(folder / _CLIP_ROWS, contents.clips[0])
    np.save(folder / _CLIP_FRAMES, contents.clips[1])
    np.save(folder / _HASHED_ROWS, contents.clip_hashes.rows)
    np.save(folder / _CLIP_HASHES, contents.clip_hashes.kept)
    if contents.words is not None:
        np.save(folder / _WORDS, contents.words.stored(count))
    pictures, *further = [write_space(folder, number, space, count) for number, space in enumerate(catalog.spaces)]
    text, places = contents.item_ids.packed()
    ids = _Ids(
        text,
        places,
        list(contents.category_names),
        list(contents.free),
        dict(contents.others),
        list(contents.attributes.names),
        list(contents.tags.names),
    )
    (folder / _IDS).write_bytes(msgspec.msgpack.encode(ids))
    manifest = Manifest(
        version=_VERSION,
        origin=origin,
        encoder=pictures.encoder,
        dimensions=pictures.dimensions,
        index=pictures.index,
        items=count,
        checksums={path.name: _checksum(path) for path in sorted(folder.iterdir())},
        descriptors=_DESCRIPTORS,
        words=WORDS_VERSION,
        further_spaces=tuple(further),
    )
    (folder / _MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return manifest


def _read(folder: Path, manifest: Manifest) -> Contents:
    ids = msgspec.msgpack.decode((folder / _IDS).read_bytes(), type=_Ids)
    colours = VectorRows(len(COLOUR_NAMES))
    colours.put(np.arange(manifest.items), np.load(folder / _COLOURS, mmap_mode="r"))
    words = VectorRows(DIMENSIONS) if _WORDS in manifest.checksums else None
    if words is not None:
        words.put(np.arange(manifest.items), np.load(folder / _WORDS, mmap_mode="r"))
    return Contents(
        item_ids=ItemIds.unpacked(ids.text, ids.places),
        category_names=ids.categories,
        free=ids.free,
        others=ids.others,
        columns={name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS},
        colours=colours,
        attributes=AttributeRows.of(np.load(folder / _ATTRIBUTES, mmap_mode="r"), ids.attributes),
        tags=AttributeRows.of(np.load(folder / _TAGS, mmap_mode="r"), ids.tags),
        words=words,
        spaces=[read_space(folder, number, space, manifest.items) for number, space in enumerate(manifest.spaces)],
        clips=(np.load(folder / _CLIP_ROWS), np.load(folder / _CLIP_FRAMES)),
        clip_hashes=HashedFrames(np.load(folder / _HASHED_ROWS), np.load(folder / _CLIP_HASHES)),
    )


def _check(manifest: Manifest, expected: Sequence[SpaceManifest]) -> None:
    found = (manifest.version, *((space.dimensions, space.index) for space in manifest.spaces))
    wanted = (_VERSION, *((space.dimensions, space.index) for space in expected))
    if found != wanted:
        raise SnapshotUnusable(f"its version, dimensions and index are {found}, not {wanted}")
    if manifest.descriptors != _DESCRIPTORS:
        raise SnapshotUnusable(
            f"the version and the bytes of its descriptors are {manifest.descriptors}, not {_DESCRIPTORS}"
        )
    if manifest.words != WORDS_VERSION:
        raise SnapshotUnusable(f"its words are of the tower {manifest.words!r}, not {WORDS_VERSION!r}")
    for ours, theirs in zip(expected, manifest.spaces, strict=True):
        if ours.encoder is not None and theirs.encoder != ours.encoder:
            raise SnapshotUnusable(f"its vectors are of encoder {theirs.encoder}, not {ours.encoder}")


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("[0-9]*") if path.is_dir()]
