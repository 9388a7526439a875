"""Spaces of two encoders in the rows of one catalogue: the second needs nothing but to be named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.item import Item
from inference.catalog.catalog import Catalog, CatalogCounts
from inference.catalog.snapshot import Origin, find_snapshot, load_snapshot, write_snapshot
from inference.catalog.vector_space import VectorSpace
from inference.errors import SnapshotUnusable
from tests.harness.catalog import DIMENSIONS, NOW, item, reds_and_blues

WORDS = "words@1"
SHIRT, HAT = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)


def words_space() -> VectorSpace:
    return VectorSpace(4, encoder=WORDS)


def described(name: str, words: tuple[float, ...], **facts: object) -> tuple[str, Item]:
    """An item with the vector of its description, too."""
    known = item(name, **facts)  # type: ignore[arg-type]  # a test's own fields
    return name, replace(known, embeddings={**known.embeddings, WORDS: np.array(words, "<f2").tobytes()})


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog(DIMENSIONS, further=[words_space()])
    catalog.apply([described("red-0", SHIRT), described("blue-0", HAT), ("red-1", item("red-1"))])
    return catalog


def found(catalog: Catalog, words: tuple[float, ...], count: int = 9) -> list[str]:
    rows, _ = catalog.spaces[1].search(np.array([words], np.float32), count)
    return [catalog.item_ids[row] for row in rows[0] if row >= 0]


def test_each_space_finds_the_items_that_have_its_vectors(catalog: Catalog) -> None:
    assert found(catalog, HAT) == ["blue-0", "red-0"]
    assert catalog.counts() == CatalogCounts(searchable=3, unavailable=0, other_encoder=0)
    rows, _ = catalog.pictures.search(item("red-1").vector("fake@1")[None], 9)
    assert {catalog.item_ids[row] for row in rows[0] if row >= 0} == {"red-0", "red-1", "blue-0"}


def test_a_space_keeps_similar_rows_of_its_own(catalog: Catalog) -> None:
    red, other = catalog.row_of("red-0"), catalog.row_of("blue-0")
    (similar,) = catalog.spaces[1].similar([np.array([red])])
    assert similar.tolist() == [red, other]


def test_an_item_leaves_a_space_with_its_vector_and_comes_back_with_it(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0"))])
    assert found(catalog, SHIRT) == ["blue-0"]
    assert not catalog.spaces[1].vectors(np.array([catalog.row_of("red-0")])).any()
    catalog.apply([described("red-0", SHIRT)])
    assert found(catalog, SHIRT) == ["red-0", "blue-0"]


@pytest.mark.parametrize("gone", [None, item("red-0", hidden=True), item("red-0", encoder="fake@2")])
def test_an_item_that_is_not_available_is_in_no_space(catalog: Catalog, gone: Item | None) -> None:
    catalog.apply([("red-0", gone)])
    assert found(catalog, SHIRT) == ["blue-0"]


def test_a_row_that_is_used_again_has_no_vector_of_the_item_before(catalog: Catalog) -> None:
    catalog.apply([("red-0", None), ("red-2", item("red-2"))])
    assert not catalog.spaces[1].vectors(np.array([catalog.row_of("red-2")])).any()
    assert found(catalog, SHIRT) == ["blue-0"]


def test_an_item_without_a_picture_of_ours_is_found_in_the_spaces_where_it_has_a_vector(catalog: Catalog) -> None:
    words = (0.0, 0.0, 1.0, 0.0)
    catalog.apply([described("red-3", words, encoder="fake@2")])
    assert catalog.counts().other_encoder == 1
    assert catalog.pictures.has(np.array([catalog.row_of("red-3")])).tolist() == [False]
    assert found(catalog, words, 1) == ["red-3"]


def test_the_first_embedding_of_its_length_chooses_the_encoder_of_a_space() -> None:
    space = VectorSpace(4)
    assert space.embedding_of(replace(item("red-0"), embeddings={"short@1": b"\0<"})) is None
    assert space.encoder is None
    assert space.embedding_of(described("red-0", HAT)[1]) == np.array(HAT, "<f2").tobytes()
    assert space.encoder == WORDS


def test_a_snapshot_has_all_spaces(catalog: Catalog, tmp_path: Path) -> None:
    write_snapshot(tmp_path, catalog, Origin("topic-1", {0: 7}, NOW))
    snapshot = find_snapshot(tmp_path)
    assert snapshot is not None
    other = Catalog(DIMENSIONS, further=[words_space()])
    load_snapshot(snapshot, other)
    assert found(other, HAT) == ["blue-0", "red-0"]
    assert other.counts() == catalog.counts()
    with pytest.raises(SnapshotUnusable, match="version, dimensions and index"):
        load_snapshot(snapshot, Catalog(DIMENSIONS))


def test_a_snapshot_that_lacks_a_space_is_refused(tmp_path: Path) -> None:
    alone = Catalog(DIMENSIONS)
    alone.apply(reds_and_blues(2))
    write_snapshot(tmp_path, alone, Origin("topic-1", {0: 7}, NOW))
    snapshot = find_snapshot(tmp_path)
    assert snapshot is not None
    with pytest.raises(SnapshotUnusable, match="version, dimensions and index"):
        load_snapshot(snapshot, Catalog(DIMENSIONS, further=[words_space()]))
