import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.errors import ModelRefused
from inference.ranking.features import FEATURES
from inference.ranking.model import encode_model
from inference.ranking.net import SIZE, places_of
from inference.ranking.weights import CODES, SCORE_WEIGHTS
from streams.learning.learner import Learner
from streams.learning.model_record import ModelRecord, decode_record, encode_record
from tests.streams.learning.test_learner import lessons, taught

LEARNED = taught(lessons(1200))
VALUE = encode_record(LEARNED, 1199, 5_000)


def changed(**fields: object) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(decode_record(VALUE), **fields))


def test_a_record_says_the_version_and_how_far_its_learner_is() -> None:
    record = decode_record(VALUE)

    assert (record.version, record.position, record.made_ms) == (LEARNED.model().version, 1199, 5_000)
    assert record.version > 0
    assert encode_model(record.ranker()) == encode_model(LEARNED.model())
    assert record.losses == LEARNED.losses


def test_a_learner_goes_on_from_a_record_to_the_last_bit() -> None:
    rest = list(lessons(1300))[600:]
    through = taught(lessons(600))
    resumed = decode_record(encode_record(through, 599, 0)).learner(frozen=False)

    for learner in (through, resumed):
        taught(iter(rest), learner=learner)

    assert encode_record(resumed, 1299, 0) == encode_record(through, 1299, 0)
    assert resumed.model().version > 0


def test_a_learner_goes_on_from_a_record_of_the_release_before_with_nothing_learned_of_what_was_added() -> None:
    added = ("same_attribute", "same_tag", "within_budget")
    before = [number for number, name in enumerate(FEATURES) if name not in added]
    net, mean, *moments = (each[places_of(before)] for each in states_of(VALUE))
    model = msgspec.msgpack.decode(decode_record(VALUE).model)
    model["features"] = [FEATURES[number] for number in before]
    hand = np.frombuffer(model["hand"], "<f4")[[number for number in before if number < len(CODES)]]
    model |= {"hand": hand.tobytes(), "net": net.tobytes()}
    state = np.vstack([net, mean, *moments]).tobytes()
    resumed = decode_record(changed(model=msgspec.msgpack.encode(model), state=state)).learner(frozen=False)

    every = np.zeros(SIZE, np.float32)
    every[places_of(before)] = net
    assert resumed.progress.net.tolist() == resumed.model().net.tolist() == every.tolist()
    assert resumed.model().hand.tolist() == SCORE_WEIGHTS.tolist()
    taught(lessons(100), learner=resumed)
    assert resumed.progress.admitted > decode_record(VALUE).admitted


def states_of(value: bytes) -> list[NDArray[np.float32]]:
    return [*np.frombuffer(decode_record(value).state, "<f4").reshape(4, SIZE)]


def test_a_frozen_learner_that_goes_on_changes_nothing() -> None:
    frozen = taught(lessons(600, seed=3), learner=decode_record(VALUE).learner(frozen=True))

    assert encode_model(frozen.model()) == encode_model(LEARNED.model())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", "does not decode"),
        (b"\xff" * 200_000, "200000 bytes"),
        (VALUE[:-1], "does not decode"),
        (changed(position=-2), "out of range"),
        (changed(losses=Learner().losses.__class__(hand=float("nan"))), "out of range"),
    ],
)
def test_what_is_no_record_is_refused(value: bytes, says: str) -> None:
    with pytest.raises(ModelRefused, match=says):
        decode_record(value)


def test_a_record_of_another_model_gives_its_version_and_no_ranker() -> None:
    record = decode_record(changed(model=b"another release"))

    assert record.version == LEARNED.model().version
    with pytest.raises(ModelRefused, match="does not decode"):
        record.ranker()


@pytest.mark.parametrize("state", [b"", np.full(4 * SIZE, np.nan, "<f4").tobytes()])
def test_a_damaged_state_of_a_learner_is_refused_and_its_model_is_not(state: bytes) -> None:
    record = decode_record(changed(state=state))

    with pytest.raises(ModelRefused, match="state of its learner"):
        record.learner(frozen=False)
    assert encode_model(record.ranker()) == encode_model(LEARNED.model())


def test_the_fields_of_a_record_are_those_of_this_release() -> None:
    assert [field.name for field in msgspec.structs.fields(ModelRecord)] == [
        "version", "model", "position", "made_ms", "state", "steps", "admitted", "rollbacks", "losses",
    ]  # fmt: skip
