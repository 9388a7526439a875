"""What a ranker that learns knows of a candidate, from one table: lessons and lists cannot differ.

The table follows `weights.CODES` and the table of sources, so that a new signal or source is a feature at once.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.profile import ENGAGED_LIMIT, chosen
from inference.ranking.weights import CODES, POPULAR, TRENDING
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query
from inference.retrieval.sources.table import PROMOTED, SOURCE_NAMES

#: That the shop promotes an item says nothing of its users (docs/adr/0045); it is the last of the sources.
_LEARNED_FROM = SOURCE_NAMES[:PROMOTED]
#: Signals whose place among the user's candidates says little beyond their strength; all others are ranked.
_UNRANKED = ("same_category", "same_colour", "same_attribute", "same_tag", "within_budget", "new", "you_asked")
RANKED = np.array([number for number, code in enumerate(CODES) if code not in _UNRANKED])
_NAMED = (
    *((code, number) for number, code in enumerate(CODES)),
    *((f"{CODES[number]}: rank", number) for number in RANKED.tolist()),
    ("popular: log", POPULAR),
    ("steps: log", POPULAR),
    ("steps lately: log", TRENDING),
    *((f"from {source}", -1) for source in _LEARNED_FROM),
    ("user: known", -1),
)
#: The names of the features, the signals first; the names are the contract between lessons, models and rankers.
FEATURES = tuple(name for name, _ in _NAMED)
#: The signal that each feature tells of, or -1.
SIGNAL_OF = np.array([signal for _, signal in _NAMED])

#: The places of the features that tell how often an item was chosen, whatever the clock says.
_STEPS = FEATURES.index("steps: log")
_FROM = FEATURES.index(f"from {_LEARNED_FROM[0]}")

#: Ranks from here on count as none.
_RANKS = 1024
_RANK_WORTH = (1 - np.log1p(np.arange(_RANKS)) / np.log1p(_RANKS - 1)).astype(np.float32)
#: So many steps of an item count 1.
_MANY_STEPS = 400
#: A popularity of a hundredth of the strongest counts as log 2.
_FAINTEST = 0.01


def find_features(query: Query, candidates: Candidates, signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features of the m candidates with `signals` [signals, m]: float32 [m, len(FEATURES)], about -1 to 1.

    A rank is 1 for the strongest candidate of the user and falls with the logarithm of the place; equal strengths have
    equal ranks, and what has no strength has 0.
    """
    features = np.zeros((len(candidates.rows), len(FEATURES)), np.float32)
    known = np.array([len(chosen(profile)) for profile in query.profiles])
    _fill(features, signals, candidates.bounds, candidates.proposers, known)
    if query.recent_steps is not None:
        numbers = query.recent_steps.items.find(query.catalog.keys.take(candidates.rows))
        for place, counts in enumerate((query.recent_steps.visits, query.recent_steps.lately), _STEPS):
            features[:, place] = np.log1p(counts.take(numbers)) / np.log1p(_MANY_STEPS)
    return features


@compiled
def _fill(
    features: NDArray[np.float32],
    signals: NDArray[np.float32],
    bounds: NDArray[np.int64],
    proposers: NDArray[np.int32],
    known: NDArray[np.int64],
) -> None:
    """Write the features; `known` is the number of items that each user chose."""
    for user in range(len(known)):
        start, end = bounds[user], bounds[user + 1]
        for place in range(len(RANKED)):
            _write_ranks(signals[RANKED[place], start:end], features[start:end, len(signals) + place])
        is_known = np.log1p(known[user]) / np.log1p(ENGAGED_LIMIT)
        for candidate in range(start, end):
            for signal in range(len(signals)):
                features[candidate, signal] = signals[signal, candidate]
            popular = np.log1p(signals[POPULAR, candidate] / _FAINTEST) / np.log1p(1 / _FAINTEST)
            features[candidate, _STEPS - 1] = popular
            for source in range(len(_LEARNED_FROM)):
                features[candidate, _FROM + source] = proposers[candidate] >> source & 1
            features[candidate, _FROM + len(_LEARNED_FROM)] = is_known


@compiled
def _write_ranks(strengths: NDArray[np.float32], ranks: NDArray[np.float32]) -> None:
    """Write what the place of each strength [n] among the positive ones is worth."""
    ordered = np.sort(strengths[strengths > 0])
    for place in range(len(strengths)):
        if strengths[place] > 0:
            stronger = len(ordered) - np.searchsorted(ordered, strengths[place], side="right")
            ranks[place] = _RANK_WORTH[min(stronger, _RANKS - 1)]
