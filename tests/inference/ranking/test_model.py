from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.errors import ModelRefused
from inference.ranking.features import FEATURES
from inference.ranking.model import MODEL_BYTES, RankerModel, decode_model, encode_model
from inference.ranking.net import HIDDEN, SIZE, add_scores, size_of
from inference.ranking.weights import WEIGHTS


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
        (changed(features=FEATURES[1:]), "hand weights: 60 bytes instead of 56"),
        (changed(features=(*FEATURES[1:], FEATURES[1])), "ranker model 7 has a feature twice"),
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


def test_a_model_of_the_release_before_says_what_it_said_and_learns_what_was_added() -> None:
    added = ("same_attribute", "same_tag", "within_budget")
    before = tuple(name for name in FEATURES if name not in added)
    learned = (np.arange(size_of(len(before)), dtype=np.float32) % 7 - 3) / np.float32(9)
    hand = np.array([weight for name, weight in WEIGHTS.items() if name not in added], "<f4") * 2
    stored = {"version": 7, "features": before, "hand": hand.tobytes(), "net": learned.tobytes()}
    model = decode_model(msgspec.msgpack.encode(stored))

    features = np.random.default_rng(1).random((5, len(FEATURES)), np.float32)
    scores = np.zeros(5, np.float32)
    add_scores(features, model.net, scores)
    assert scores == pytest.approx(said_by(learned, features[:, [FEATURES.index(name) for name in before]]), rel=1e-4)
    assert model.hand.tolist() == [
        np.float32(weight if name in added else 2 * weight) for name, weight in WEIGHTS.items()
    ]
    assert decode_model(encode_model(model)).net.tolist() == model.net.tolist()


def said_by(net: NDArray[np.float32], features: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a net says of candidates with features [n, f], by the formula of `net.py`."""
    count = features.shape[1]
    linear, bias, out, hidden = np.split(net, np.cumsum([count, HIDDEN, HIDDEN]))
    units = np.maximum(features @ hidden.reshape(count, HIDDEN) + bias, 0)
    said: NDArray[np.float32] = features @ linear + units @ out
    return said
