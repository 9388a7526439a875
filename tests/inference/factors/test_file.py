from dataclasses import replace
from typing import Any, Final

import msgspec
import numpy as np
import pytest

from features.item import key_of
from inference.errors import ModelRefused
from inference.factors import file as factor_file
from inference.factors.file import Factors, decode_factors, encode_factors
from inference.factors.item_map import Facts, ItemMap, LinearMap, Part
from tests.harness.factors import factors_of

#: The inputs of maps for looks of three dimensions.
SIZES: Final[tuple[tuple[Part, int], ...]] = (("look", 3), ("words", 384), ("both", 387))

FACTORS = factors_of({"a": (1.0, 0.0), "b": (0.5, 0.25), "c": (0.0, 1.0)})


def changed(**parts: Any) -> bytes:
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(encode_factors(FACTORS)), **parts})


def test_what_is_written_is_read_back() -> None:
    found = decode_factors(encode_factors(FACTORS))

    for name in ("keys", "vectors", "inverse"):
        assert getattr(found, name).tolist() == getattr(FACTORS, name).tolist()
        assert getattr(found, name).dtype == getattr(FACTORS, name).dtype


def test_the_bytes_of_the_first_release_are_read() -> None:
    stored = bytes.fromhex(
        "85a6666f726d617401aa64696d656e73696f6e7301a46b657973c4080700000000000000a7766563746f7273c402003ca7696e7665727365c4040000003f"
    )
    found = decode_factors(stored)

    assert (found.keys.tolist(), found.vectors.tolist(), found.inverse.tolist()) == ([7], [[1.0]], [[0.5]])
    assert found.item_map is None


def test_the_map_is_read_back_with_the_factors() -> None:
    maps = {part: LinearMap(np.full((size, 2), size, np.float32), np.ones(2, np.float32), 0.5) for part, size in SIZES}
    found = decode_factors(encode_factors(replace(FACTORS, item_map=ItemMap("pictures@1", maps)))).item_map

    assert found is not None
    assert (found.encoder, [*found.maps]) == ("pictures@1", [*maps])
    for part, each in maps.items():
        assert found.maps[part].weights.tolist() == each.weights.tolist()
        assert (found.maps[part].offset.tolist(), found.maps[part].explained) == ([1, 1], 0.5)


def test_maps_of_the_words_of_another_tower_are_left_out() -> None:
    maps = {part: LinearMap(np.ones((size, 2), np.float32), np.ones(2, np.float32), 0.5) for part, size in SIZES}
    stored = msgspec.msgpack.decode(encode_factors(replace(FACTORS, item_map=ItemMap("pictures@1", maps))))
    found = decode_factors(msgspec.msgpack.encode({**stored, "words": "another-tower@1"})).item_map

    assert found is not None
    assert [*found.maps] == ["look"]


def of_map(part: str, weights: object, offset: object = (0.0, 0.0), explained: float = 0.5) -> bytes:
    stored = {"weights": np.array(weights, "<f4").tobytes(), "offset": np.array(offset, "<f4").tobytes()}
    return changed(encoder="e@1", maps={part: {**stored, "explained": explained}})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            changed(maps={"look": {"weights": b"", "offset": b"", "explained": 0.5}}),
            "map of look that has another shape",
        ),
        (of_map("look", np.ones((3, 2)), (1.0,)), "another shape"),
        (of_map("look", np.ones(3)), "another shape"),
        (of_map("look", np.zeros((0, 2))), "other looks or words"),
        (of_map("look", np.zeros((5_000, 2))), "other looks or words"),
        (of_map("words", np.ones((3, 2))), "other looks or words"),
        (of_map("both", np.ones((384, 2))), "other looks or words"),
        (of_map("look", np.full((3, 2), np.nan)), "no number"),
        (of_map("look", np.ones((3, 2)), (np.inf, 0.0)), "no number"),
        (of_map("look", np.full((3, 2), 3e38)), "no number"),
        (of_map("look", np.ones((3, 2)), explained=float("nan")), "no number"),
        (of_map("smell", np.ones((3, 2))), "does not decode"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelRefused, match=says):
        decode_factors(data)


def test_what_has_a_factor_of_its_own_is_not_mapped() -> None:
    item_map = ItemMap("e@1", {"look": LinearMap(np.eye(2, dtype=np.float32), np.zeros(2, np.float32), 0.5)})
    keys = np.array([key_of(name) for name in ("b", "new", "blank")], np.uint64)
    looks = np.array([(1, 0), (0.6, 0.8), (0, 0)], np.float32)
    vectors, has = replace(FACTORS, item_map=item_map).read(keys, Facts("e@1", looks, np.zeros((3, 384), np.float32)))

    assert (vectors[:2].tolist(), has.tolist()) == ([[0.5, 0.25], pytest.approx([0.6, 0.8])], [True, True, False])


def test_the_inverse_is_that_of_the_least_squares() -> None:
    vectors = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], np.float32)
    found = Factors.of(np.arange(3, dtype=np.uint64), vectors, 2.0).inverse

    assert found @ (vectors.T @ vectors + 2 * np.eye(2)) == pytest.approx(np.eye(2), abs=1e-6)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not decode"),
        (b"\x81\xa3foo\x01", "does not decode"),
        (encode_factors(FACTORS)[:-1], "does not decode"),
        (changed(format=3), "the format 3, this release reads 1 and 2"),
        (changed(format="x"), "does not decode"),
        (changed(keys=b""), "keys of 0 bytes"),
        (changed(keys=bytes(7)), "keys of 7 bytes"),
        (changed(keys=bytes(24)), "an item twice"),
        (changed(dimensions=3), "another shape"),
        (changed(dimensions=0, vectors=b"", inverse=b""), "another shape"),
        (changed(vectors=bytes(10)), "another shape"),
        (changed(inverse=bytes(12)), "another shape"),
        (changed(vectors=np.array([1, 2, 3, np.nan, 5, 6], "<f2").tobytes()), "no number for its item 1 of 3"),
        (changed(inverse=np.array([1, np.inf, np.inf, 1], "<f4").tobytes()), "not symmetric and positive definite"),
        (changed(inverse=np.array([1, 2, 0, 1], "<f4").tobytes()), "not symmetric and positive definite"),
        (changed(inverse=np.array([1, 2, 2, 1], "<f4").tobytes()), "not symmetric and positive definite"),
        (changed(inverse=np.array([1e10, 0, 0, 1e10], "<f4").tobytes()), "not the one of its factors"),
        (
            changed(
                vectors=np.array([6e4, -6e4] * 3, "<f2").tobytes(),
                inverse=np.array([1e36, 9e35, 9e35, 1e36], "<f4").tobytes(),
            ),
            "not the one of its factors",
        ),
        (b"\x82\xa1x" + b"\x91" * 100_000 + b"\x90\xa6format\x01", "does not decode"),
        (bytes(factor_file.FILE_BYTES + 1), "not one of ours"),
    ],
)
def test_what_this_release_cannot_use_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelRefused, match=says):
        decode_factors(data)


def test_as_many_items_as_a_file_may_have_are_read() -> None:
    most = factor_file.ITEMS_LIMIT
    keys = np.arange(most + 1, dtype=np.uint64)
    assert (
        len(decode_factors(encode_factors(Factors.of(keys[:most], np.ones((most, 2), np.float32), 1.0))).keys) == most
    )
    with pytest.raises(ModelRefused, match="not 1 to 100000"):
        decode_factors(encode_factors(Factors.of(keys, np.ones((most + 1, 2), np.float32), 1.0)))
