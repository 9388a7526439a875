"""Follows state.models: lists are made by the newest version of the ranker."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from inference.errors import ModelRefused
from inference.ranking.model import RankerModel
from streams.errors import AccessRefused, BrokerUnavailable
from streams.learning.model_log import ModelLog, newest
from streams.learning.model_record import ModelRecord
from streams.learning.troubles import Troubles
from streams.logs import log
from streams.metrics import MODELS_REFUSED, RANKER_HEARD, RANKER_VERSION
from streams.processing.background import Periodic
from streams.wire.records import Record

#: A learner says every few seconds that it lives; after an hour without it counts as away.
AWAY_MS: Final = 3_600_000
LOOK_EVERY_S: Final = 1.0


class ModelFollower(Periodic):
    """Follows state.models in the background. `model` is the version that counts by `newest`, of
    those that this release can rank with.

    It is None where lists are to be made by the hand weights: nothing was learned yet, or a tombstone says so. While
    Kafka, the topic or the learner is away, the last version stays.
    """

    def __init__(
        self,
        models: ModelLog,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        super().__init__(LOOK_EVERY_S, name="ranker models")
        self.model: RankerModel | None = None
        self._models = models
        self._clock_ms = clock_ms
        self._next = 0
        self._said: ModelRecord | None = None
        self._heard_ms = clock_ms()
        self._is_away = False
        self._troubles = Troubles(unavailable="ranker_models_unavailable", refused="ranker_model_refused")

    async def start(self) -> None:
        """Look once, then go on in the background; where that fails, lists are made by the hand weights."""
        await self.look()
        await super().start()

    async def look(self) -> None:
        """Read the records that came since the last time."""
        try:
            found, self._next = await self._models.since(self._next)
        except (BrokerUnavailable, AccessRefused) as error:
            self._troubles.unavailable(error, self._label())
        else:
            self._apply(found)
        self._tell()

    def _apply(self, found: Sequence[Record]) -> None:
        for record in found:
            before = self._label()
            try:
                said = newest(self._said, record)
                # Version 0 is the hand weights.
                self.model = said.ranker() if said is not None and said.version else None
            except ModelRefused as error:
                MODELS_REFUSED.inc()
                remedy = "run the learning worker in this worker's release (docs/runbooks/ModelRefused.md)"
                self._troubles.refused(error, self._label(), remedy=remedy)
                continue
            self._said = said
            self._heard_ms = record.timestamp_ms if said is None else said.made_ms
            # A learner says the same version every few seconds, beside another one of which all is refused.
            if self._label() != before:
                self._troubles.are_over()

    def _tell(self) -> None:
        RANKER_VERSION.set(0 if self.model is None else self.model.version)
        RANKER_HEARD.set(self._heard_ms / 1000)
        is_away = self._clock_ms() - self._heard_ms > AWAY_MS
        if is_away and not self._is_away:
            log.warning("learner_away", since_ms=self._heard_ms, lists_by=self._label())
        elif self._is_away and not is_away:
            log.info("learner_back")
        self._is_away = is_away

    def _label(self) -> str:
        return "the hand weights" if self.model is None else f"version {self.model.version}"
