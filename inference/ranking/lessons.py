"""What a list teaches: its candidates' features, which of them was chosen next, and by what action."""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from inference.errors import ModelRefused
from inference.exploration.draws import STEP, mixed
from inference.ranking.features import FEATURES
from sightline_client.parsing import UNREADABLE

#: Candidates of a lesson, the chosen one among them, and the most bytes of an encoded one.
LESSON_LIMIT = 101
LESSON_BYTES = 2 * LESSON_LIMIT * len(FEATURES) + 4096
#: The greatest weight of an action; those of `features.profile.WEIGHTS` are within it.
ACTION_LIMIT = 8.0
_HALVES = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class Lesson:
    """`features` float16 [n, f] of candidates (FEATURES), the place of the one that the user acted on, and the action.

    `user` is the key of the user, `weight` that of the action (negative: hide, dislike), `slot` where the item was
    seen in the list, from 0, or -1 where it was not.
    """

    user: int
    at_ms: int
    features: NDArray[np.float16]
    chosen: int
    weight: float
    slot: int = -1


def lesson_from(
    features: NDArray[np.float32], chosen: int, *, user: int, at_ms: int, weight: float, slot: int, seed: int
) -> Lesson:
    """The lesson of a list with the candidates' `features` [m, f], after an action on the candidate at `chosen`.

    Of more than LESSON_LIMIT candidates the others are drawn by the hash of `seed`, such as the key of the event, so
    that the same log gives the same lessons.
    """
    places = _drawn(len(features), chosen, np.uint64(seed))
    halves = features.take(places, axis=0).astype(np.float16)
    return Lesson(user, at_ms, halves, int(np.searchsorted(places, chosen)), weight, slot)


@compiled
def _drawn(count: int, chosen: int, seed: np.uint64) -> NDArray[np.int64]:
    """`chosen` and up to LESSON_LIMIT - 1 other places below `count`, in ascending order."""
    draws = np.empty(count, np.uint64)
    for place in range(count):
        draws[place] = mixed(seed + np.uint64(place + 1) * STEP)
    draws[chosen] = 0
    return np.sort(np.argsort(draws)[:LESSON_LIMIT])


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    features: str
    user: int
    at_ms: int
    chosen: int
    weight: float
    slot: int
    halves: bytes


_decoder = msgspec.msgpack.Decoder(_Stored)
#: The names of the features, which a lesson carries so that another release refuses it.
_NAMES = "\n".join(FEATURES)


def encode_lesson(lesson: Lesson) -> bytes:
    """The lesson in MessagePack, LESSON_BYTES at most."""
    halves = lesson.features.astype(_HALVES).tobytes()
    return msgspec.msgpack.encode(
        _Stored(_NAMES, lesson.user, lesson.at_ms, lesson.chosen, lesson.weight, lesson.slot, halves)
    )


def decode_lesson(data: bytes) -> Lesson:
    """Decode what encode_lesson made; raises ModelRefused for a lesson that this release cannot learn."""
    if len(data) > LESSON_BYTES:
        raise ModelRefused(f"a lesson has {len(data)} bytes, more than {LESSON_BYTES}: it is not one of ours")
    try:
        stored = _decoder.decode(data)
    except UNREADABLE as error:
        raise ModelRefused(f"a lesson does not decode: {error}") from error
    if stored.features != _NAMES:
        other = sorted({*stored.features.split("\n")} ^ {*FEATURES})
        raise ModelRefused(f"a lesson has features of another release: {other} are not in both, or their order differs")
    count, rest = divmod(len(stored.halves), len(FEATURES) * _HALVES.itemsize)
    if rest or not 1 <= count <= LESSON_LIMIT:
        raise ModelRefused(f"a lesson has {len(stored.halves)} bytes of features: it has another shape")
    if not 0 <= stored.chosen < count or not abs(stored.weight) <= ACTION_LIMIT:
        raise ModelRefused(
            f"a lesson chooses {stored.chosen} of {count} with the weight {stored.weight}, not within ±{ACTION_LIMIT:g}"
        )
    features = np.frombuffer(stored.halves, _HALVES).astype(np.float16).reshape(count, len(FEATURES))
    if not np.isfinite(features).all():
        raise ModelRefused("a lesson has a feature that is no number")
    return Lesson(stored.user, stored.at_ms, features, stored.chosen, stored.weight, stored.slot)
