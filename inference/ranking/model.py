"""A version of the ranker that learns, as a value and as bytes."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelRefused
from inference.ranking.features import FEATURES
from inference.ranking.net import SIZE, initial_weights, places_of, size_of
from inference.ranking.weights import CODES, SCORE_WEIGHTS
from sightline_client.parsing import UNREADABLE

#: The most bytes of an encoded model, and the greatest weight.
MODEL_BYTES = 64 * 1024
WEIGHT_LIMIT = 1000.0
_FLOATS = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class RankerModel:
    """Weights over FEATURES: `hand` float32 [signals] is the sum it starts from, `net` float32 [SIZE] what it learned.

    Without arguments it ranks as the hand weights do.
    """

    version: int = 0
    hand: NDArray[np.float32] = field(default_factory=SCORE_WEIGHTS.copy)
    net: NDArray[np.float32] = field(default_factory=initial_weights)


class _Stored(msgspec.Struct, frozen=True):
    version: int
    features: tuple[str, ...]
    hand: bytes
    net: bytes


_decoder = msgspec.msgpack.Decoder(_Stored)


def encode_model(model: RankerModel) -> bytes:
    """The model with the names of its features, in MessagePack."""
    hand, net = (each.astype(_FLOATS).tobytes() for each in (model.hand, model.net))
    return msgspec.msgpack.encode(_Stored(model.version, FEATURES, hand, net))


def decode_model(data: bytes) -> RankerModel:
    """Decode what encode_model made; raises ModelRefused for a model that this release cannot rank with."""
    stored = _read(data)
    name = f"ranker model {stored.version}"
    signals = [feature for feature in stored.features if feature in CODES]
    hand = SCORE_WEIGHTS.copy()
    hand[[CODES.index(code) for code in signals]] = read_weights(stored.hand, len(signals), f"{name}: hand weights")
    net = read_weights(stored.net, size_of(len(stored.features)), f"{name}: weights of the net")
    return RankerModel(stored.version, hand, grown(net[None], stored.features)[0])


def features_of(data: bytes) -> tuple[str, ...]:
    """The features over which encode_model's data has weights: all, or in a release before some; see decode_model."""
    return _read(data).features


def grown(nets: NDArray[np.float32], features: tuple[str, ...]) -> NDArray[np.float32]:
    """Weights [n, size_of(features)] over some of FEATURES as weights [n, SIZE] over all: 0 for those that were added.

    So a model of a release before says of each candidate what it said; what is new, it learns.
    """
    every = np.zeros((len(nets), SIZE), np.float32)
    every[:, places_of([FEATURES.index(feature) for feature in features])] = nets
    return every


def _read(data: bytes) -> _Stored:
    if len(data) > MODEL_BYTES:
        raise ModelRefused(f"a ranker model has {len(data)} bytes, more than {MODEL_BYTES}: it is not one of ours")
    try:
        stored = _decoder.decode(data)
    except UNREADABLE as error:
        raise ModelRefused(f"a ranker model does not decode: {error}") from error
    unknown = sorted({*stored.features} - {*FEATURES})
    if unknown or len({*stored.features}) < len(stored.features):
        raise ModelRefused(
            f"ranker model {stored.version} has a feature twice, or others than here: {unknown} are unknown; "
            "learn one with this release"
        )
    return stored


def read_weights(data: bytes, size: int, name: str) -> NDArray[np.float32]:
    """Read float32 [size] between ±WEIGHT_LIMIT, little-endian; raises ModelRefused, which calls them `name`."""
    if len(data) != size * _FLOATS.itemsize:
        raise ModelRefused(f"{name}: {len(data)} bytes instead of {size * _FLOATS.itemsize}: it has another shape")
    values = np.frombuffer(data, _FLOATS).astype(np.float32)
    # NaN is not less than anything.
    wrong = np.flatnonzero(~(np.abs(values) <= WEIGHT_LIMIT))
    if len(wrong):
        raise ModelRefused(f"{name}: number {wrong[0]} is {values[wrong[0]]}, not between ±{WEIGHT_LIMIT:g}")
    return values
