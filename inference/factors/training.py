"""Trains latent factors of items on what the users of a log chose, by the library `implicit`."""

from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from features.item import key_of
from features.ledger import WEIGHT_LIMIT
from features.profile import IMPRESSION
from inference.errors import NothingToLearn
from inference.factors.defaults import DIMENSIONS, REGULARIZATION
from inference.factors.file import ITEMS_LIMIT, Factors

_ITERATIONS = 15


class Choices:
    """What each user chose and did not refuse later: the weights of items, which add up as in a profile.

    They do not fade: what people choose together stays true for longer than a user's own taste.
    """

    def __init__(self) -> None:
        self.of_users: dict[str, dict[str, float]] = {}

    def learn(self, user: str, item: str, weight: float) -> None:
        """Add what a user did with an item, as profiles weigh it (`features.profile`)."""
        if weight > IMPRESSION:
            own = self.of_users.setdefault(user, {})
            own[item] = min(own.get(item, 0.0) + weight, WEIGHT_LIMIT)
        elif weight < 0:
            self.of_users.get(user, {}).pop(item, None)


def train_factors(
    choices: Mapping[str, Mapping[str, float]],
    *,
    dimensions: int = DIMENSIONS,
    regularization: float = REGULARIZATION,
    seed: int = 0,
) -> Factors:
    """Factors of the ITEMS_LIMIT items that most users chose; `choices` are weights by user and item.

    Alternating least squares with the confidence 1 + weight. The same choices and seed give the same factors. Raises
    NothingToLearn where nobody chose anything, ModuleNotFoundError where `implicit` is not installed.
    """
    # The library is no part of a worker.
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    places = _places(choices)
    if not places:
        raise NothingToLearn("the log has no user who chose anything: there is nothing to train factors on")
    pairs = [
        (user, places[item], 1 + weight)
        for user, own in enumerate(choices.values())
        for item, weight in own.items()
        if item in places
    ]
    users, items, confidences = zip(*pairs, strict=True)
    matrix = csr_matrix((np.array(confidences, np.float32), (users, items)), shape=(len(choices), len(places)))
    # With one thread the same log gives the same factors.
    with threadpool_limits(1):
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
