"""Applies messages of state.steps to the ring of recent steps, each step once."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.behaviour.recent_steps import RecentSteps
from streams.errors import InvalidEvent
from streams.logs import Seldom, log
from streams.metrics import LAST_STEP, STEPS
from streams.wire.steps import FORGOTTEN, STEP, parse_steps

#: Messages and steps that are applied in one go: some 20 µs each message, 1 to 3 µs each step.
_MESSAGES_AT_ONCE: Final = 64
_STEPS_AT_ONCE: Final = 512
_NEVER: Final = -1, -1
_OUTCOMES: Final = ("applied", "forgot", "repeated", "refused", "lost")


class StepsFeed:
    """Feeds a ring with the messages of each partition, in the order of their offsets."""

    def __init__(self, ring: RecentSteps, clock_ms: Callable[[], int]) -> None:
        self.ring = ring
        self._clock_ms = clock_ms
        #: By partition: the offset of the event whose step was applied last, and the latest time of any.
        self._applied: dict[int, tuple[int, int]] = {}
        self._newest_ms = 0
        self._seldom = Seldom(10.0)
        # A counter that begins with its first step would not show that there are none.
        self._chosen, self._forgot, self._repeated, *_ = (STEPS.labels(outcome) for outcome in _OUTCOMES)

    def apply(self, messages: Iterable[tuple[int, bytes | None]]) -> Iterator[None]:
        """Apply messages with their partitions, part by part, so that other work gets its turn in between.

        It is done when the iterator ends; exhaust it before the next call.
        """
        rest = iter(messages)
        while some := list(islice(rest, _MESSAGES_AT_ONCE)):
            new = [self._new(partition, self._parse(partition, value)) for partition, value in some]
            steps = np.concatenate(new)
            for start in range(0, len(steps), _STEPS_AT_ONCE):
                self._apply(steps[start : start + _STEPS_AT_ONCE])
                yield

    def _parse(self, partition: int, value: bytes | None) -> NDArray[np.void]:
        """The steps of a message; what cannot be read is counted and passed over.

        It is no dead letter: each worker would write one at each start.
        """
        try:
            return parse_steps(value, self._clock_ms())
        except InvalidEvent as error:
            STEPS.labels("refused").inc()
            left_out = self._seldom.left_out(error.reason)
            if left_out is not None:
                log.warning("steps_refused", partition=partition, error=str(error), left_out=left_out)
            return np.empty(0, STEP)

    def _new(self, partition: int, steps: NDArray[np.void]) -> NDArray[np.void]:
        """The steps that were not applied before, which are noted as applied.

        A step is repeated if neither its offset nor its time is later: where events.interactions was created again,
        offsets begin again at 0.
        """
        offset, at_ms = self._applied.get(partition, _NEVER)
        if not len(steps):
            return steps
        # Most messages are new as a whole.
        new = steps if steps["offset"][0] > offset else steps[(steps["offset"] > offset) | (steps["at_ms"] > at_ms)]
        if len(new) < len(steps):
            self._repeated.inc(len(steps) - len(new))
        if len(new):
            self._applied[partition] = int(new["offset"][-1]), max(at_ms, int(new["at_ms"].max()))
        return new

    def _apply(self, steps: NDArray[np.void]) -> None:
        markers = np.flatnonzero(steps["item"] == FORGOTTEN).tolist()
        for start, end in zip([0, *(at + 1 for at in markers)], [*markers, len(steps)], strict=True):
            chosen = steps[start:end]
            if len(chosen):
                # Copies: what a compiled function is given must always be laid out alike (features/jit.py).
                self.ring.append(chosen["user"].copy(), chosen["item"].copy())
            if end < len(steps):
                self.ring.forget(int(steps["user"][end]))
        self._chosen.inc(len(steps) - len(markers))
        self._forgot.inc(len(markers))
        self._newest_ms = max(self._newest_ms, int(steps["at_ms"].max()))
        LAST_STEP.set(self._newest_ms / 1000)
