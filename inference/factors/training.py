"""Trains latent factors of items on what the users of a log chose, by the library `implicit`."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from features.item import Item, key_of
from features.ledger import WEIGHT_LIMIT
from features.profile import IMPRESSION
from inference.errors import NothingToLearn
from inference.factors.defaults import DIMENSIONS, REGULARIZATION
from inference.factors.file import ITEMS_LIMIT, Factors
from inference.factors.item_map import Facts, ItemMap

_ITERATIONS = 15
#: The factor that an item's map gives counts as much as this many users who chose the item (docs/adr/0059).
SHRINKAGE: Final = 30


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
    known: Mapping[str, Item] | None = None,
    *,
    looks: int = 0,
    dimensions: int = DIMENSIONS,
    regularization: float = REGULARIZATION,
    seed: int = 0,
) -> Factors:
    """Factors of the ITEMS_LIMIT items that most users chose; `choices` are weights by user and item.

    Alternating least squares with the confidence 1 + weight. What is `known` of the items, their words and their looks
    of `looks` dimensions, is mapped to factors: by the map new items have one at once, and each of the others is drawn
    to what the map gives, the less the more users chose it. The same choices, items and seed give the same factors.
    Raises NothingToLearn where nobody chose anything, ModuleNotFoundError where `implicit` is not installed.
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
    vectors, facts = np.asarray(model.item_factors), Facts.of_items([*places], known or {}, looks)
    item_map = ItemMap.fit(facts, vectors)
    if item_map is not None:
        vectors = _drawn(vectors, np.bincount(items, minlength=len(places)), *item_map.read(facts))
    return Factors.of(keys, vectors, regularization, item_map)


def _drawn(
    vectors: NDArray[np.float32], users: NDArray[np.int64], mapped: NDArray[np.float32], has: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Factors [n, d] drawn to the `mapped` ones [n, d] of items that have one, by how many users chose each [n].

    As in empirical Bayes, the map stands for what is expected before anybody chose.
    """
    share = np.where(has, SHRINKAGE / (users + SHRINKAGE), 0).astype(np.float32)[:, None]
    drawn: NDArray[np.float32] = (1 - share) * vectors + share * mapped
    return drawn


def _places(choices: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """A number for each item that is trained, those of most users first."""
    users: dict[str, int] = {}
    for own in choices.values():
        for item in own:
            users[item] = users.get(item, 0) + 1
    most = sorted(users, key=lambda item: (-users[item], item))[:ITEMS_LIMIT]
    return {item: place for place, item in enumerate(most)}
