"""A catalogue that was written and read back is the one it was; anything else in the files is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.item import key_of
from features.vision.descriptors.packed import PACKED_BYTES, VERSION
from inference.catalog.catalog import COLUMNS, Catalog, CatalogCounts
from inference.catalog.snapshot import Origin, Snapshot, find_snapshot, load_snapshot, write_snapshot
from inference.errors import SnapshotUnusable
from inference.files import unfinished_folder
from tests.harness.catalog import DAY, DIMENSIONS, NOW, item, reds_and_blues, vector, without_picture
from tests.harness.words import words

ORIGIN = Origin("topic-1", {0: 7, 1: 9}, NOW)


@pytest.fixture
def catalog() -> Catalog:
    """Items that are there, hidden, deleted, without a picture, and one that came back into another row."""
    catalog = Catalog(DIMENSIONS)
    catalog.apply(reds_and_blues(20))
    catalog.apply(
        [("red-1", None), ("red-2", None), ("red-3", item("red-3", hidden=True, attributes={"brand": "Acme"}))]
    )
    catalog.apply([("red-2", item("red-2", owner="u2", category=None, at_ms=NOW))])
    catalog.apply([("red-9", item("red-9", encoder="fake@2")), ("red-25", without_picture("red-25"))])
    return catalog


def written(folder: Path, catalog: Catalog) -> Snapshot:
    write_snapshot(folder, catalog, ORIGIN)
    found = find_snapshot(folder)
    assert found is not None
    return found


def restored(folder: Path, catalog: Catalog) -> Catalog:
    other = Catalog(DIMENSIONS)
    load_snapshot(written(folder, catalog), other)
    return other


def answers(catalog: Catalog) -> list[list[str]]:
    """What is found for the looks of some items, and what is fresh."""
    rows, _ = catalog.pictures.search(np.stack([vector("red-2"), vector("blue-7")]), 30)
    return [[catalog.item_ids[row] for row in each if row >= 0] for each in (*rows, catalog.freshest(9))]


def test_a_catalogue_that_was_read_back_answers_as_before(catalog: Catalog, tmp_path: Path) -> None:
    other = restored(tmp_path, catalog)
    assert answers(other) == answers(catalog)
    assert (other.counts(), other.pictures.encoder) == (catalog.counts(), catalog.pictures.encoder)


def test_every_column_is_as_it_was(catalog: Catalog, tmp_path: Path) -> None:
    other, count = restored(tmp_path, catalog), len(catalog.item_ids)
    assert list(other.item_ids) == list(catalog.item_ids)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(other, name)[:count], getattr(catalog, name)[:count])
    np.testing.assert_array_equal(other.pictures.vectors(np.arange(count)), catalog.pictures.vectors(np.arange(count)))
    np.testing.assert_array_equal(other.attributes.stored(count), catalog.attributes.stored(count))
    assert other.attributes.have(np.arange(count), "brand", "Acme").tolist().index(True) == catalog.row_of("red-3")
    np.testing.assert_array_equal(other.colours[np.arange(count)], catalog.colours[np.arange(count)])


def test_items_are_found_by_their_ids_and_owners(catalog: Catalog, tmp_path: Path) -> None:
    other = restored(tmp_path, catalog)
    names = ("red-0", "red-1", "red-2", "red-3", "red-9", "blue-5")
    assert [other.row_of(name) for name in names] == [catalog.row_of(name) for name in names]
    assert other.owned_by(key_of("u2")) == ["red-2"]
    assert "red-9" in other.owned_by(key_of("shop"))


def test_what_changes_afterwards_changes_both_alike(catalog: Catalog, tmp_path: Path) -> None:
    other = restored(tmp_path, catalog)
    for one in (catalog, other):
        one.apply([("red-3", item("red-3")), ("blue-7", None), ("red-30", item("red-30", at_ms=NOW + 1))])
        one.apply([("red-9", item("red-9")), ("blue-8", item("blue-8", looks="red-8", category="new"))])
    assert answers(other) == answers(catalog)
    assert other.counts() == catalog.counts() == CatalogCounts(39, 0, 0, no_vector=1)
    assert list(other.item_ids) == list(catalog.item_ids)
    assert other.category_names == catalog.category_names


def test_the_manifest_says_what_it_stands_for(catalog: Catalog, tmp_path: Path) -> None:
    manifest = written(tmp_path, catalog).manifest
    assert (manifest.origin, manifest.items, manifest.encoder) == (ORIGIN, 40, "fake@1")


def test_where_none_was_written_none_is_found(tmp_path: Path) -> None:
    assert find_snapshot(tmp_path / "none") is None


def test_the_latest_is_found_and_the_others_are_removed(catalog: Catalog, tmp_path: Path) -> None:
    for at_ms in (NOW, NOW + 5):
        write_snapshot(tmp_path, catalog, Origin("topic-1", {}, at_ms))
    found = find_snapshot(tmp_path)
    assert found is not None
    assert found.manifest.origin.written_ms == NOW + 5
    assert [path.name for path in tmp_path.iterdir()] == [found.folder.name]


def test_what_another_is_writing_is_left_and_what_was_given_up_is_removed(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / ".writing-old").mkdir()
    with unfinished_folder(tmp_path / "other") as other:
        theirs = other.rename(tmp_path / ".writing-new")
        assert find_snapshot(tmp_path) is None
        written(tmp_path, catalog)
        assert [*tmp_path.glob(".*")] == [theirs]


def test_a_write_that_fails_leaves_nothing(catalog: Catalog, tmp_path: Path) -> None:
    written(tmp_path, catalog)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(OSError, match="not empty"):
        write_snapshot(tmp_path, catalog, ORIGIN)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_copies_and_what_expired_are_as_they_were(catalog: Catalog, tmp_path: Path) -> None:
    catalog.apply([(f"c{n}", item(f"c{n}", looks="red-31", expires_at_ms=NOW + n)) for n in range(9)])
    for at_ms in (NOW - 1, NOW + 4, NOW + DAY):
        other = Catalog(DIMENSIONS)
        other.advance(at_ms)
        load_snapshot(written(tmp_path / str(at_ms), catalog), other)
        catalog.advance(at_ms)
        assert other.counts() == catalog.counts()
        assert other.pictures.indexed == catalog.pictures.indexed == catalog.pictures.pictures
        assert len(set(answers(other)[0]) - set(answers(catalog)[0])) <= 1  # another of the copies may stand for all


def test_an_encoder_that_is_asked_for_is_accepted(catalog: Catalog, tmp_path: Path) -> None:
    other = Catalog(DIMENSIONS, encoder="fake@1")
    load_snapshot(written(tmp_path, catalog), other)
    assert other.counts() == catalog.counts()


def test_another_encoders_vectors_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    refused(written(tmp_path, catalog), Catalog(DIMENSIONS, encoder="fake@2"), "of encoder fake@1, not fake@2")


def test_other_dimensions_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    refused(written(tmp_path, catalog), Catalog(2 * DIMENSIONS), "version, dimensions and index")


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15])
def test_another_version_is_refused(catalog: Catalog, tmp_path: Path, version: int) -> None:
    snapshot = written(tmp_path, catalog)
    rewrite(snapshot, version=version)
    refused(find_snapshot(tmp_path), Catalog(DIMENSIONS), "version, dimensions and index")


@pytest.mark.parametrize("descriptors", [[VERSION + 1, PACKED_BYTES], [VERSION, PACKED_BYTES - 14]])
def test_other_descriptors_are_refused(catalog: Catalog, tmp_path: Path, descriptors: list[int]) -> None:
    rewrite(written(tmp_path, catalog), descriptors=descriptors)
    refused(find_snapshot(tmp_path), Catalog(DIMENSIONS), "the version and the bytes of its descriptors are")


def test_descriptors_that_a_snapshot_does_not_describe_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    path = written(tmp_path, catalog).folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["descriptors"]
    path.write_text(json.dumps(manifest))
    refused(find_snapshot(tmp_path), Catalog(DIMENSIONS), r"of its descriptors are \(0, 0\), not \(1, 226\)")


def test_the_words_of_items_are_kept_and_a_snapshot_without_them_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    refused(written(tmp_path / "without", catalog), Catalog(DIMENSIONS, words=True), "has no words of items")
    held = Catalog(DIMENSIONS, words=True)
    held.apply([("red-0", item("red-0", title="Red shirt", words=words("Red shirt"))), ("red-1", item("red-1"))])
    other = Catalog(DIMENSIONS, words=True)
    load_snapshot(written(tmp_path / "with", held), other)
    assert held.words is not None
    assert other.words is not None
    rows = np.arange(2)
    assert other.worded[rows].tolist() == held.worded[rows].tolist() == [True, False]
    assert other.said[rows].tolist() == [True, False]
    assert np.array_equal(other.words.vectors[rows], held.words.vectors[rows])
    other.apply([("red-0", item("red-0"))])
    assert not other.worded[0]
    assert not other.words.vectors[rows].any()


def test_what_pictures_show_is_kept(tmp_path: Path) -> None:
    held = Catalog(DIMENSIONS)
    held.apply([("red-0", item("red-0", tags=(("sandal", 0.8),))), ("red-1", item("red-1"))])
    other = Catalog(DIMENSIONS)
    load_snapshot(written(tmp_path, held), other)
    assert other.tags.have(np.arange(2), "shoe", "").tolist() == [True, False]
    other.apply([("red-0", item("red-0", tags=(("jersey", 0.8),)))])
    assert not other.tags.have(np.arange(2), "shoe", "").any()


def test_the_words_of_another_tower_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    rewrite(written(tmp_path, catalog), words="another@1")
    refused(find_snapshot(tmp_path), Catalog(DIMENSIONS), "its words are of the tower 'another@1'")


@pytest.mark.parametrize("name", ["index.usearch", "vectors.npy", "keys.npy", "ids.msgpack"])
@pytest.mark.parametrize("damage", ["torn", "changed", "gone"])
def test_a_damaged_file_is_refused(catalog: Catalog, tmp_path: Path, name: str, damage: str) -> None:
    snapshot = written(tmp_path, catalog)
    path = snapshot.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    match damage:
        case "torn":
            path.write_bytes(content[: len(content) // 2])
        case "changed":
            path.write_bytes(content)
        case "gone":
            path.unlink()
    refused(snapshot, Catalog(DIMENSIONS), "is not what was written|cannot be read")


def test_files_that_do_not_belong_together_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    snapshot = written(tmp_path, catalog)
    np.save(snapshot.folder / "available.npy", np.zeros(40, np.bool_))
    sums = dict(snapshot.manifest.checksums)
    del sums["available.npy"]
    rewrite(snapshot, checksums=sums)
    refused(find_snapshot(tmp_path), Catalog(DIMENSIONS), "do not belong together")


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"version": "1"}'])
def test_a_manifest_that_is_none_is_refused(catalog: Catalog, tmp_path: Path, text: bytes) -> None:
    (written(tmp_path, catalog).folder / "manifest.json").write_bytes(text)
    with pytest.raises(SnapshotUnusable, match=r"manifest\.json cannot be read"):
        find_snapshot(tmp_path)


def rewrite(snapshot: Snapshot, **fields: Any) -> None:
    """Change what a manifest says."""
    path = snapshot.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def refused(snapshot: Snapshot | None, catalog: Catalog, reason: str) -> None:
    """Loading fails for this reason, and the catalogue stays empty and usable."""
    assert snapshot is not None
    with pytest.raises(SnapshotUnusable, match=reason):
        load_snapshot(snapshot, catalog)
    assert catalog.counts() == CatalogCounts(0, 0, 0)
    if catalog.pictures.dimensions == DIMENSIONS and catalog.pictures.encoder is None:
        catalog.apply(reds_and_blues(1))
        assert catalog.counts().searchable == 2
