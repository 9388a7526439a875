from typing import Any

import msgspec
import numpy as np
import pytest

from inference.errors import ModelRefused
from inference.ranking.features import FEATURES
from inference.ranking.model import MODEL_BYTES, RankerModel, decode_model, encode_model
from inference.ranking.net import SIZE


def changed(**fields: Any) -> bytes:
    """An encoded model with other contents."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(encode_model(RankerModel(7))) | fields)


def test_a_model_comes_back_as_it_was() -> None:
    model = RankerModel(7, net=(np.arange(SIZE) / SIZE).astype(np.float32))
    back = decode_model(encode_model(model))

    assert (back.version, back.hand.tolist(), back.net.tolist()) == (7, model.hand.tolist(), model.net.tolist())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not decode"),
        (b"\xc1 no message", "does not decode"),
        (b"\0" * (MODEL_BYTES + 1), "65537 bytes, more than 65536"),
        (changed(features=FEATURES[1:]), r"ranker model 7 .* lacks \['chosen_after'\]"),
        (changed(features=(*FEATURES, "smell")), r"\['smell'\] are unknown"),
        (changed(net=b"\0" * 8), "net: 8 bytes instead of"),
        (changed(hand=b""), "hand weights: 0 bytes instead of"),
        (changed(net=np.full(SIZE, np.nan, "<f4").tobytes()), "number 0 is nan"),
        (changed(net=np.full(SIZE, np.inf, "<f4").tobytes()), "number 0 is inf"),
        (changed(net=np.full(SIZE, 1001.0, "<f4").tobytes()), "number 0 is 1001.0, not between ±1000"),
    ],
)
def test_a_model_that_cannot_rank_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ModelRefused, match=why):
        decode_model(data)
