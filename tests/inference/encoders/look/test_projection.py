"""The map as a value and as a file, and what the gate does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.encoders.look.projection import Projection, read_projection, unit, write_projection
from tests.harness.full_disk import fill_disk


def projection() -> Projection:
    """Two learned columns, of the first two features; two general ones; what is known lies along the first axis."""
    return Projection(
        np.zeros(4, np.float32),
        np.eye(4, dtype=np.float32),
        np.eye(1, 4, dtype=np.float32),
        learned=2,
        low=0.1,
        high=0.7,
    )


def test_what_is_known_is_compared_by_what_was_learned_and_the_rest_by_the_general_part() -> None:
    pooled = np.eye(2, 4, dtype=np.float32)

    assert projection().gate(pooled).ravel().tolist() == pytest.approx([0.7, 0.1], abs=1e-6)
    embeddings = projection().embed(np.ones((2, 4), np.float32), pooled)
    assert np.square(embeddings[:, :2]).sum(axis=1).tolist() == pytest.approx([0.7, 0.1], abs=1e-6)
    assert np.linalg.norm(embeddings, axis=1).tolist() == pytest.approx([1, 1], abs=1e-6)


def test_without_a_learned_part_there_is_no_gate() -> None:
    plain = Projection(np.zeros(4, np.float32), np.eye(4, dtype=np.float32), np.zeros((0, 4), np.float32))
    rows = np.array([[3, 0, 4, 0]], np.float32)

    assert plain.embed(rows, rows).ravel().tolist() == pytest.approx([0.6, 0, 0.8, 0], abs=1e-6)


def test_a_map_is_read_as_it_was_written_but_for_the_precision_of_float16(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    written = Projection(
        random.random(12).astype(np.float32),
        random.random((12, 8)).astype(np.float32),
        unit(random.random((3, 5)).astype(np.float32)),
        learned=5,
        low=0.1,
        high=0.7,
    )
    write_projection(written, tmp_path / "map.npz")
    read = read_projection(tmp_path / "map.npz")

    for name in ("mean", "matrix", "centres"):
        np.testing.assert_allclose(getattr(read, name), getattr(written, name), atol=1e-3)
    assert (read.learned, read.low, read.high) == (5, 0.1, 0.7)


def test_a_map_without_weights_is_of_the_network_as_it_was_and_one_with_weights_of_another(tmp_path: Path) -> None:
    weights = {"blocks.3.weight": np.ones((2, 1, 3, 3), np.float16)}
    write_projection(projection(), tmp_path / "map.npz")
    assert read_projection(tmp_path / "map.npz").weights == {}
    write_projection(replace(projection(), weights=weights), tmp_path / "map.npz")
    read = read_projection(tmp_path / "map.npz").weights

    assert [*read] == [*weights]
    np.testing.assert_array_equal(read["blocks.3.weight"], weights["blocks.3.weight"])


def test_where_no_space_is_left_the_map_before_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_projection(projection(), tmp_path / "map.npz")
    before = (tmp_path / "map.npz").read_bytes()
    fill_disk(monkeypatch)

    with pytest.raises(OSError, match="No space left"):
        write_projection(replace(projection(), learned=1), tmp_path / "map.npz")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("map.npz", before)]


def test_the_file_of_the_version_before_is_no_map_and_not_misread(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "old.npz", mean=np.zeros(1280, np.float16), matrix=np.zeros((1280, 256), np.float16))
    with pytest.raises(KeyError, match="centres"):
        read_projection(tmp_path / "old.npz")
