"""Messages of state.steps: what users chose, and who was forgotten, in the order of their events (docs/adr/0028).

A message lies in the partition of its events, so that each partition of state.steps has one order.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightline_client.parsing import UNREADABLE
from streams.errors import InvalidEvent
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from streams.wire.topics import DAY_MS, STEPS

#: The offset and broker time (Unix ms) of an event, and the keys of its user and of the item that the user chose.
STEP: Final = np.dtype([("offset", "<i8"), ("at_ms", "<i8"), ("user", "<u8"), ("item", "<u8")])
#: Instead of an item: all earlier steps of the user are to be forgotten. One item in 2⁶⁴ has this key.
FORGOTTEN: Final = 0
#: Steps in one message: half of what the topic takes.
STEPS_LIMIT: Final = 16_384
#: How far the clock of a broker may be ahead of ours; a later time would make all steps after it look old.
_FUTURE_MS: Final = DAY_MS

#: An event as STEP has it.
Step: TypeAlias = tuple[int, int, int, int]


class Steps(msgspec.Struct, frozen=True, tag=True):
    """Some steps of one partition, oldest first: STEP [n] as bytes."""

    steps: bytes


_decoder: msgspec.msgpack.Decoder[Steps] = msgspec.msgpack.Decoder(Steps)
_encode = msgspec.msgpack.Encoder().encode


class StepTopic:
    """Makes messages of state.steps; without `choices` they say only who is to be forgotten."""

    def __init__(self, namespace: Namespace, *, choices: bool = True) -> None:
        self.name = namespace.topic(STEPS)
        self._choices = choices

    def messages(self, steps: Iterable[tuple[int, Step]]) -> list[Message]:
        """Return the messages for steps with their partitions: one for each partition, unless it has very many."""
        grouped: dict[int, list[Step]] = {}
        for partition, step in steps:
            if self._choices or step[-1] == FORGOTTEN:
                grouped.setdefault(partition, []).append(step)
        return [
            Message(self.name, None, encode_steps(each[start : start + STEPS_LIMIT]), partition=partition)
            for partition, each in grouped.items()
            for start in range(0, len(each), STEPS_LIMIT)
        ]


def encode_steps(steps: Iterable[Step]) -> bytes:
    """The value of a message."""
    return _encode(Steps(np.array(list(steps), STEP).tobytes()))


def parse_steps(value: bytes | None, now_ms: int) -> NDArray[np.void]:
    """The steps [n] of a message, STEP; raises InvalidEvent unless they can be applied."""
    try:
        held = _decoder.decode(value or b"").steps
    except UNREADABLE as error:
        raise InvalidEvent("bad_steps", f"not steps: {error}") from None
    if len(held) % STEP.itemsize or not 0 < len(held) <= STEPS_LIMIT * STEP.itemsize:
        raise InvalidEvent("bad_steps", f"not steps: {len(held)} bytes are not 1 to {STEPS_LIMIT} steps")
    steps = np.frombuffer(held, STEP)
    offsets, times = steps["offset"], steps["at_ms"]
    if offsets[0] < 0 or (offsets[1:] <= offsets[:-1]).any():
        raise InvalidEvent("bad_steps", "not steps: their offsets do not ascend from 0")
    if times.min() < 0 or times.max() > now_ms + _FUTURE_MS:
        raise InvalidEvent("bad_steps", "not steps: they have times before 1970 or of the future")
    return steps


def count_steps(value: bytes | None) -> int:
    """About how many steps a message holds; it is not parsed for that."""
    return len(value or b"") // STEP.itemsize
