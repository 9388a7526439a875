"""The ranker that learns online, at one version of its model."""

import numpy as np
from numpy.typing import NDArray

from inference.ranking.features import find_features
from inference.ranking.model import RankerModel
from inference.ranking.net import add_scores, add_shares
from inference.ranking.ranking import Scored, weighted_sum
from inference.ranking.signals import find_signals
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query


class OnlineRanker:
    """Ranks by a `RankerModel`. See `Scorer`."""

    name = "online"

    def __init__(self, model: RankerModel) -> None:
        self._model = model

    @property
    def version(self) -> int:
        """The version of the model."""
        return self._model.version

    def score(self, query: Query, candidates: Candidates) -> Scored:
        """The hand weights' sum of the signals, and what the net says of the features."""
        signals = find_signals(query, candidates)
        features = find_features(query, candidates, signals)
        scores = weighted_sum(signals, self._model.hand)
        add_scores(features, self._model.net, scores)
        return Scored(signals, features, scores)

    def contributions(self, scored: Scored, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """By signal what it adds to the scores at `places` [n]: float32 [signals, n]; see `net.add_shares`."""
        shares: NDArray[np.float32] = scored.signals.take(places, axis=1) * self._model.hand[:, None]
        add_shares(scored.features.take(places, axis=0), self._model.net, shares)
        return shares
