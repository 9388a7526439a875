"""Trains latent factors of items on what the users of a log chose, by the library `implicit`."""

from collections.abc import Mapping

import numpy as np

from benchmarks.evaluation.log import Event, UnreadableLog
from features.item import key_of
from features.ledger import WEIGHT_LIMIT
from inference.behaviour.factor_file import ITEMS_LIMIT, Factors

DIMENSIONS = 64
REGULARIZATION = 10.0
_ITERATIONS = 15


class Choices:
    """What each user chose and did not refuse later: the weights of items, which add up as in a profile.

    They do not fade: what people choose together stays true for longer than a user's own taste.
    """

    def __init__(self) -> None:
        self.of_users: dict[str, dict[str, float]] = {}

    def learn(self, event: Event) -> None:
        """Add an event."""
        if event.is_chosen:
            own = self.of_users.setdefault(event.user, {})
            own[event.item] = min(own.get(event.item, 0.0) + event.weight, WEIGHT_LIMIT)
        elif event.weight < 0:
            self.of_users.get(event.user, {}).pop(event.item, None)


def train_factors(
    choices: Mapping[str, Mapping[str, float]],
    *,
    dimensions: int = DIMENSIONS,
    regularization: float = REGULARIZATION,
    seed: int = 0,
) -> Factors:
    """Factors of the ITEMS_LIMIT items that most users chose; `choices` are weights by user and item.

    Alternating least squares with the confidence 1 + weight. The same choices and seed give the same factors. Raises
    UnreadableLog where nobody chose anything, ModuleNotFoundError where `implicit` is not installed.
    """
    # The library is no part of a worker.
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    places = _places(choices)
    if not places:
        raise UnreadableLog("the log has no user who chose anything: there is nothing to train factors on")
    pairs = [
        (user, places[item], 1 + weight)
        for user, own in enumerate(choices.values())
        for item, weight in own.items()
        if item in places
    ]
    users, items, confidences = zip(*pairs, strict=True)
    matrix = csr_matrix((np.array(confidences, np.float32), (users, items)), shape=(len(choices), len(places)))
    # With one thread the same log gives the same factors.
    model = AlternatingLeastSquares(
        factors=dimensions,
        regularization=regularization,
        iterations=_ITERATIONS,
        num_threads=1,
        random_state=seed,
        use_gpu=False,
    )
    model.fit(matrix, show_progress=False)
    keys = np.array([key_of(item) for item in places], np.uint64)
    return Factors.of(keys, np.asarray(model.item_factors), regularization)


def _places(choices: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """A number for each item that is trained, those of most users first."""
    users: dict[str, int] = {}
    for own in choices.values():
        for item in own:
            users[item] = users.get(item, 0) + 1
    most = sorted(users, key=lambda item: (-users[item], item))[:ITEMS_LIMIT]
    return {item: place for place, item in enumerate(most)}
