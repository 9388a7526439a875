from typing import Any

import msgspec
import numpy as np
import pytest

from inference.classes.file import FILE_BYTES, Classes, decode_classes, encode_classes
from inference.errors import ModelRefused

SHOES = Classes(
    ("boots", "été", "shoes"),
    "e@1",
    np.eye(4, 3, dtype=np.float32),
    np.array([0, 0.5, 0], np.float32),
    sharpness=10.0,
    least=0.6,
    accuracy=0.9,
)


def changed(**fields: Any) -> bytes:
    return msgspec.msgpack.encode(msgspec.msgpack.decode(encode_classes(SHOES)) | fields)


def test_classes_come_back_as_they_were() -> None:
    back = decode_classes(encode_classes(SHOES))
    assert (back.names, back.encoder, back.sharpness, back.least, back.accuracy) == (SHOES.names, "e@1", 10, 0.6, 0.9)
    assert (back.weights.tolist(), back.offsets.tolist()) == (SHOES.weights.tolist(), SHOES.offsets.tolist())


def test_a_picture_has_the_best_class_where_it_is_sure() -> None:
    boots, between = np.eye(4, dtype=np.float32)[0], np.array([1, 0, 1, 0], np.float32) / np.float32(np.sqrt(2))
    name, confidence = SHOES.of(boots, "e@1") or ("none", 0.0)
    assert (name, round(confidence, 3)) == ("boots", round(float(1 / (1 + np.exp(-5) + np.exp(-10))), 3))
    assert SHOES.of(between, "e@1") is None


def test_a_vector_of_another_encoder_has_no_class() -> None:
    assert SHOES.of(np.eye(4, dtype=np.float32)[0], "e@2") is None
    assert SHOES.of(np.eye(5, dtype=np.float32)[0], "e@1") is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not decode"),
        (encode_classes(SHOES)[:-1], "does not decode"),
        (b"\0" * (FILE_BYTES + 1), "it is not one of ours"),
        (changed(format=2), "has the format 2, this release reads 1"),
        (changed(names=["boots"]), "names 1 classes"),
        (changed(names=["boots", "boots", "shoes"]), "some twice"),
        (changed(names=["boots", "", "shoes"]), "no category"),
        (changed(weights=b"\0" * 8), "another shape"),
        (changed(offsets=b""), "another shape"),
        (changed(weights=np.full(12, np.nan, "<f4").tobytes()), "no number"),
        (changed(sharpness=0.0), "no number"),
        (changed(least=2.0), "not within 0 and 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_to_do(data: bytes, why: str) -> None:
    with pytest.raises(ModelRefused, match=why):
        decode_classes(data)
