"""Learns the ranker from state.examples, and publishes its versions to state.models (docs/adr/0027)."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from inference.errors import ModelRefused
from inference.ranking.features import FEATURES
from inference.ranking.lessons import Lesson, decode_lesson
from inference.ranking.model import RankerModel
from streams.errors import BrokerUnavailable
from streams.kafka.publisher import Publisher
from streams.learning.learner import HOLD_OUT, Learner
from streams.learning.model_log import ModelLog
from streams.learning.model_record import KEY, ModelRecord, encode_record
from streams.logs import Seldom, log
from streams.metrics import LESSONS, RANKER_CALIBRATION, RANKER_HEARD, RANKER_LOSS, RANKER_ROLLBACKS, RANKER_VERSION
from streams.processing.background import end, every, failure_of
from streams.retrying import until_available
from streams.wire.records import Message, Record

#: How often it is looked whether there is something to say, and the time between two versions.
LOOK_EVERY_S: Final = 1.0
VERSION_EVERY_MS: Final = 2_000
#: A sign of life where there is no new version. After a crash, what was learned since is learned again.
ALIVE_EVERY_MS: Final = 10_000


@dataclass(slots=True)
class _Learning:
    """The learner of this process, the last offset that it learned, and what it said last."""

    learner: Learner
    position: int
    said_version: int = -1
    said_ms: int = 0
    said_rollbacks: int = 0


#: `frozen`: the last version is judged, and stays. `off`: nothing is learned, judged or said.
Mode = Literal["on", "frozen", "off"]


class LearningAgent:
    """Learns the lessons of the partition that all lessons are in. A second one waits until the first is gone.

    What is published holds all that a learner knows: the next one goes on from there, and learns again what was not
    in it.
    """

    def __init__(
        self,
        publisher: Publisher,
        models: ModelLog,
        *,
        mode: Mode,
        is_active: Callable[[], bool],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._publisher = publisher
        self._models = models
        self._frozen = mode == "frozen"
        self._is_off = mode == "off"
        self._is_active = is_active
        self._clock_ms = clock_ms
        self._learning: _Learning | None = None
        self._seldom = Seldom(60.0)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to publish in the background."""
        self._task = every(LOOK_EVERY_S, self.publish_if_due, name="ranker versions")

    async def stop(self) -> None:
        """Stop; what was learned and not published is learned again by the next one."""
        await end(self._task)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the background task; None while it runs."""
        return failure_of(self._task)

    async def take_up(self, partitions: Sequence[int]) -> dict[int, int]:
        """Go on from the last version that was published; returns the position that it is at."""
        self._learning = None
        if self._is_off or 0 not in partitions:
            return {}
        record = await until_available(self._models.last, BrokerUnavailable)
        self._learning = learning = self._begin(record)
        log.info("learning", version=learning.learner.model().version, after=learning.position, frozen=self._frozen)
        return {0: learning.position}

    def _begin(self, record: ModelRecord | None) -> _Learning:
        if record is None:
            log.warning("ranker_begins", reason="state.models holds no version: lists begin with the hand weights")
            return _Learning(Learner(frozen=self._frozen), -1)
        try:
            learner = record.learner(frozen=self._frozen)
        except ModelRefused as error:
            log.warning("ranker_begins", reason=f"{error}; lists begin with the hand weights")
            learner = Learner(RankerModel(record.version + 1), frozen=self._frozen)
        return _Learning(learner, record.position, said_rollbacks=learner.rollbacks)

    async def handle(self, records: Sequence[Record]) -> None:
        """Learn the lessons of a batch."""
        learning = self._learning
        if learning is None:  # off, or the partition was taken away while the batch waited
            return
        for record in records:
            if record.partition == 0:
                if record.holds_event:
                    LESSONS.labels(self._learn(learning.learner, record)).inc()
                learning.position = record.offset

    def _learn(self, learner: Learner, record: Record) -> str:
        try:
            lesson = decode_lesson(record.value or b"")
        except ModelRefused as error:
            left_out = self._seldom.left_out("refused")
            if left_out is not None:
                log.warning("lesson_refused", offset=record.offset, error=str(error), left_out=left_out)
            return "refused"
        passed_over = learner.passed_over
        learner.learn(lesson)
        return "learned" if learner.passed_over == passed_over else "passed_over"

    async def publish_if_due(self) -> None:
        """Publish a new version, or that this one lives; only the member of the group that has the lessons does."""
        learning = self._learning
        if learning is None or not self._is_active():
            return
        self._observe(learning)
        now_ms, version = self._clock_ms(), learning.learner.model().version
        waits_ms = VERSION_EVERY_MS if version != learning.said_version else ALIVE_EVERY_MS
        if 0 <= now_ms - learning.said_ms < waits_ms:
            return
        value = encode_record(learning.learner, learning.position, now_ms)
        learning.said_version, learning.said_ms = version, now_ms
        await self._publisher.publish([Message(self._models.topic, KEY, value, partition=0)])
        RANKER_HEARD.set(now_ms / 1000)

    def _observe(self, learning: _Learning) -> None:
        losses, rollbacks = learning.learner.losses, learning.learner.rollbacks
        for model, loss in (("hand", losses.hand), ("good", losses.good), ("newest", losses.newest)):
            RANKER_LOSS.labels(model).set(loss)
        RANKER_CALIBRATION.set(learning.learner.calibration.error())
        RANKER_VERSION.set(learning.learner.model().version)
        RANKER_ROLLBACKS.inc(rollbacks - learning.said_rollbacks)
        if rollbacks > learning.said_rollbacks:
            log.warning("ranker_rolled_back", version=learning.learner.model().version, losses=losses.newest)
        learning.said_rollbacks = rollbacks


def warm_up_learning() -> None:
    """Compile what learning needs, before the first lesson."""
    learner = Learner()
    features = np.zeros((2, len(FEATURES)), np.float16)
    for number in range(HOLD_OUT):
        learner.learn(Lesson(number, 0, features, 0, 1.0))
