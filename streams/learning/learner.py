"""Learns a ranker from lessons, one by one, with guards: its models are a function of the sequence of lessons."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.ranking.lessons import Lesson
from inference.ranking.model import RankerModel
from inference.ranking.net import add_scores, initial_weights
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


class Learner:
    """Learns from the lessons of all users in one pass; `model` gives the last good version.

    A frozen learner judges its model and changes nothing.
    """

    def __init__(self, start: RankerModel | None = None, *, frozen: bool = False, quota: Quota | None = None) -> None:
        self._good = start or RankerModel()
        self._frozen = frozen
        self._quota = quota or Quota()
        self._initial = initial_weights()
        self._net = self._good.net.copy()
        self._mean = self._net.copy()
        self._moments = np.zeros((2, len(self._net)), np.float32)
        self._steps = self._admitted = 0
        self.losses = Losses()
        #: How often the newest nets were thrown away, and how many lessons were passed over.
        self.rollbacks = self.passed_over = 0

    def model(self) -> RankerModel:
        """The last good version: on lessons held out not worse than the version before, nor than the hand weights."""
        return self._good

    def learn(self, lesson: Lesson) -> None:
        """Learn one lesson, or hold it out; lessons beyond their user's quota are passed over."""
        if not self._quota.admits(lesson.user, lesson.at_ms):
            self.passed_over += 1
            return
        self._admitted += 1
        features = lesson.features.astype(np.float32)
        if self._admitted % HOLD_OUT == 0:
            self._hold_out(features, lesson)
        elif not self._frozen:
            self._steps += 1
            weight = lesson.weight * seen_weight(lesson.slot)
            hand, moments = self._good.hand, self._moments
            step(features, hand, lesson.chosen, weight, self._net, self._initial, moments, self._steps)
            self._mean += _MEAN_SHARE * (self._net - self._mean)

    def _hold_out(self, features: NDArray[np.float32], lesson: Lesson) -> None:
        if lesson.weight <= 0:  # where a refused item stands says little of the rest of a list
            return
        scores = hand_scores(features, self._good.hand)
        found = [miss(scores, lesson.chosen)]
        for net in (self._good.net, self._mean):
            scored = scores.copy()
            add_scores(features, net, scored)
            found.append(miss(scored, lesson.chosen))
        self.losses.add(*found)
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
            self._good = RankerModel(self._good.version + 1, self._good.hand, self._mean.copy())
            losses.good = losses.newest

    def _roll_back(self) -> None:
        self._net, self._mean = self._good.net.copy(), self._good.net.copy()
        self._moments[:] = 0
        self._steps = 0
        self.losses.newest = self.losses.good
        self.rollbacks += 1
