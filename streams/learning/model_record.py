"""A record of state.models: a version of the ranker, how it was judged, and what its learner needs to go on."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelRefused
from inference.ranking.model import (
    MODEL_BYTES,
    RankerModel,
    decode_model,
    encode_model,
    features_of,
    grown,
    read_weights,
)
from inference.ranking.net import size_of
from sightline_client.parsing import UNREADABLE
from streams.learning.learner import Learner, Losses, Progress

#: The key of all records: there is one model.
KEY: Final = b"ranker"
#: The most bytes of a record.
RECORD_BYTES: Final = 2 * MODEL_BYTES
_FLOATS: Final = np.dtype("<f4")


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A good version (`model`, encoded) with its number, and its learner's progress after `position`.

    `position` is the last offset of state.examples that was learned, -1 for none. `state` is the newest net, the mean
    of the latest ones and Adam's moments, float32 [4, size] over the model's features. `made_ms` is when it was said.
    """

    version: int
    model: bytes
    position: int
    made_ms: int
    state: bytes
    steps: int
    admitted: int
    rollbacks: int
    losses: Losses

    def ranker(self) -> RankerModel:
        """The version; raises ModelRefused for one that this release cannot rank with."""
        return decode_model(self.model)

    def learner(self, *, frozen: bool) -> Learner:
        """The learner, as it was; raises ModelRefused."""
        name = f"ranker model {self.version}: state of its learner"
        features = features_of(self.model)
        size = size_of(len(features))
        net, mean, *moments = grown(read_weights(self.state, 4 * size, name).reshape(4, size), features)
        progress = Progress(
            net.copy(), mean.copy(), np.array(moments), self.steps, self.admitted, self.rollbacks, self.losses
        )
        return Learner(self.ranker(), progress, frozen=frozen)


_decoder = msgspec.msgpack.Decoder(ModelRecord)


def encode_record(learner: Learner, position: int, now_ms: int) -> bytes:
    """What a learner has learned up to a position in state.examples."""
    now, model = learner.progress, learner.model()
    state: NDArray[np.float32] = np.vstack([now.net, now.mean, now.moments])
    record = ModelRecord(
        version=model.version,
        model=encode_model(model),
        position=position,
        made_ms=now_ms,
        state=state.astype(_FLOATS).tobytes(),
        steps=now.steps,
        admitted=now.admitted,
        rollbacks=now.rollbacks,
        losses=now.losses,
    )
    return msgspec.msgpack.encode(record)


def decode_record(data: bytes) -> ModelRecord:
    """Decode what encode_record made; raises ModelRefused for what is not a record, but not for another's model."""
    if len(data) > RECORD_BYTES:
        raise ModelRefused(
            f"a record of a model has {len(data)} bytes, more than {RECORD_BYTES}: it is not one of ours"
        )
    try:
        record = _decoder.decode(data)
    except UNREADABLE as error:
        raise ModelRefused(f"a record of a model does not decode: {error}") from error
    losses = record.losses
    counts = (record.version, record.position + 1, record.made_ms, record.steps, record.admitted, record.rollbacks)
    if min(*counts, losses.count) < 0 or not all(0 <= each <= 1 for each in (losses.hand, losses.good, losses.newest)):
        raise ModelRefused(f"the record of ranker model {record.version} has a number that is out of range")
    return record
