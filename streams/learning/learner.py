"""Learns a ranker from lessons, one by one, with guards: its models are a function of the sequence of lessons."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from inference.ranking.lessons import Lesson
from inference.ranking.model import RankerModel
from inference.ranking.net import add_scores, initial_weights
from streams.learning.calibration import Calibration
from streams.learning.propensity import seen_weight
from streams.learning.quota import Quota
from streams.learning.steps import hand_scores, miss, step

#: Every so many lessons one is held out: models are judged by it, and do not learn it.
HOLD_OUT = 10
#: Lessons held out between two verdicts, and how fast the running losses forget.
VERDICT = 50
_LATEST = 1 / 100
#: A lesson's share in the mean of the latest nets, which is what is given (Polyak & Juditsky 1992).
_MEAN_SHARE = np.float32(1 / 300)
#: How much worse than what it is compared with a model's running loss may be.
MARGIN = 0.02


@dataclass(slots=True)
class Losses:
    """Running losses (`steps.miss`, 0 to 1) on lessons held out: of the hand weights, the good and the newest net."""

    hand: float = 0.0
    good: float = 0.0
    newest: float = 0.0
    count: int = 0

    def add(self, hand: float, good: float, newest: float) -> None:
        """Take in one held-out lesson; the first ones count alike."""
        self.count += 1
        share = max(_LATEST, 1 / self.count)
        self.hand += share * (hand - self.hand)
        self.good += share * (good - self.good)
        self.newest += share * (newest - self.newest)


@dataclass(slots=True)
class Progress:
    """What a learner knows beside its good version: with both, another goes on as if it were the same one.

    `net` [SIZE] is the newest, `mean` [SIZE] the mean of the latest ones, `moments` [2, SIZE] are Adam's after `steps`
    steps. `admitted` lessons were learned or held out; the newest nets were thrown away `rollbacks` times.
    """

    net: NDArray[np.float32]
    mean: NDArray[np.float32]
    moments: NDArray[np.float32]
    steps: int = 0
    admitted: int = 0
    rollbacks: int = 0
    losses: Losses = field(default_factory=Losses)

    @classmethod
    def begin(cls, model: RankerModel) -> "Progress":
        """That of a learner which has learned nothing since this version."""
        return cls(model.net.copy(), model.net.copy(), np.zeros((2, len(model.net)), np.float32))


class Learner:
    """Learns from the lessons of all users in one pass; `model` gives the last good version.

    A frozen learner judges its model and changes nothing. With the `progress` of another it goes on as that one would,
    but for the quotas.
    """

    def __init__(
        self,
        start: RankerModel | None = None,
        progress: Progress | None = None,
        *,
        frozen: bool = False,
        quota: Quota | None = None,
    ) -> None:
        self._good = start or RankerModel()
        self._frozen = frozen
        self._quota = quota or Quota()
        self._initial = initial_weights()
        self.progress = progress or Progress.begin(self._good)
        #: How right the probabilities of the good version are, by the lessons that this learner held out.
        self.calibration = Calibration()
        #: How many lessons were passed over.
        self.passed_over = 0

    @property
    def losses(self) -> Losses:
        """How the versions do on lessons held out."""
        return self.progress.losses

    @property
    def rollbacks(self) -> int:
        """How often the newest nets were thrown away."""
        return self.progress.rollbacks

    def model(self) -> RankerModel:
        """The last good version: on lessons held out not worse than the version before, nor than the hand weights."""
        return self._good

    def learn(self, lesson: Lesson) -> None:
        """Learn one lesson, or hold it out; lessons beyond their user's quota are passed over."""
        if not self._quota.admits(lesson.user, lesson.at_ms):
            self.passed_over += 1
            return
        now = self.progress
        now.admitted += 1
        features = lesson.features.astype(np.float32)
        if now.admitted % HOLD_OUT == 0:
            self._hold_out(features, lesson)
        elif not self._frozen:
            now.steps += 1
            weight = lesson.weight * seen_weight(lesson.slot)
            step(features, self._good.hand, lesson.chosen, weight, now.net, self._initial, now.moments, now.steps)
            now.mean += _MEAN_SHARE * (now.net - now.mean)

    def _hold_out(self, features: NDArray[np.float32], lesson: Lesson) -> None:
        if lesson.weight <= 0:  # where a refused item stands says little of the rest of a list
            return
        scores = hand_scores(features, self._good.hand)
        good, newest = scores.copy(), scores.copy()
        add_scores(features, self._good.net, good)
        add_scores(features, self.progress.mean, newest)
        self.losses.add(*(miss(each, lesson.chosen) for each in (scores, good, newest)))
        self.calibration.add(good, lesson.chosen)
        if not self._frozen and self.losses.count % VERDICT == 0:
            self._judge()

    def _judge(self) -> None:
        """Make the mean of the newest nets the good version, or go back to that."""
        losses = self.losses
        if losses.good > losses.hand + MARGIN:  # the taste changed: what was good is no more
            self._good = RankerModel(self._good.version + 1, self._good.hand, self._initial)
            losses.good = losses.hand
        if losses.newest > min(losses.good, losses.hand) + MARGIN:
            self._roll_back()
        elif losses.newest <= losses.good:  # else it learns on: small steps back must not add up
            self._good = RankerModel(self._good.version + 1, self._good.hand, self.progress.mean.copy())
            losses.good = losses.newest

    def _roll_back(self) -> None:
        now = self.progress
        now.losses.newest = now.losses.good
        begun = Progress.begin(self._good)
        self.progress = replace(begun, admitted=now.admitted, rollbacks=now.rollbacks + 1, losses=now.losses)
