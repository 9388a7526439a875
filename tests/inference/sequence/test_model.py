from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from inference.errors import ModelRefused
from inference.sequence.course import train
from inference.sequence.model import SequenceModel, decode_model, encode_model
from tests.harness.sequences import circle


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    return train(circle(users=6), seed=1, seconds=0.0).model


def test_a_model_is_read_as_it_was_written(model: SequenceModel) -> None:
    read = decode_model(encode_model(model))

    assert encode_model(read) == encode_model(model)
    assert read.tower.read([np.ones((3, model.dimensions), np.float32)]).shape == (1, model.dimensions)


def changed(model: SequenceModel, **facts: Any) -> bytes:
    return msgspec.msgpack.encode({**msgspec.msgpack.decode(encode_model(model)), **facts})


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"format": 2}, "format 2, this release reads 1"),
        ({"dimensions": 0}, "dimensions 0"),
        ({"keys": b"1234567"}, "not 8 each"),
        ({"keys": bytes(16)}, "do not ascend"),
        ({"keys": b""}, "bytes of items"),
        ({"category_names": []}, "bytes of categories"),
        ({"pictures": b"1"}, "bytes of pictures"),
        ({"hidden": 32}, "bytes of entering"),
        ({"hidden": 1000}, "hidden 1000"),
        ({"wish": b""}, "bytes of wish"),
    ],
)
def test_what_this_release_cannot_use_is_refused(model: SequenceModel, facts: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelRefused, match=says):
        decode_model(changed(model, **facts))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e5])
@pytest.mark.parametrize("table", ["ids", "categories", "entering", "remembering", "biases", "wish"])
def test_a_weight_that_is_no_number_is_refused(model: SequenceModel, table: str, wrong: float) -> None:
    values = np.frombuffer(msgspec.msgpack.decode(encode_model(model))[table], "<f4").copy()
    values[3] = wrong
    with pytest.raises(ModelRefused, match="in row 0 of"):
        decode_model(changed(model, **{table: values.tobytes()}))


@pytest.mark.parametrize("cut", [lambda size: 0, lambda size: 5, lambda size: size // 2, lambda size: size - 1])
def test_a_file_that_is_cut_short_is_refused(model: SequenceModel, cut: Callable[[int], int]) -> None:
    data = encode_model(model)
    with pytest.raises(ModelRefused, match="does not decode"):
        decode_model(data[: cut(len(data))])
