"""Latent factors of users and items by the library `implicit`: ALS (Hu et al. 2008) and BPR (Rendle et al. 2009)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FACTORS = 64
_ITERATIONS = {"als": 15, "bpr": 60}


class Factors:
    """Factors fitted at each training. A user who came since then has the mean of the factors of the last items."""

    def __init__(self, items: int, kind: Literal["als", "bpr"], seed: int) -> None:
        # The library is installed for benches only.
        from implicit.als import AlternatingLeastSquares
        from implicit.bpr import BayesianPersonalizedRanking

        # With one thread the same log gives the same factors.
        each: dict[str, Any] = {"factors": FACTORS, "iterations": _ITERATIONS[kind], "num_threads": 1}
        kinds = {"als": AlternatingLeastSquares, "bpr": BayesianPersonalizedRanking}
        self._make: Callable[[], Any] = partial(kinds[kind], **each, random_state=seed, use_gpu=False)
        self._users: dict[str, int] = {}
        self._of_users = np.zeros((0, 1), np.float32)
        self._of_items = np.zeros((items, 1), np.float32)

    def learn(self, _user: str, _item: int, _before: Sequence[int]) -> None:
        """See Baseline."""

    def train(self, histories: Mapping[str, Sequence[int]]) -> None:
        """See Baseline."""
        from scipy.sparse import csr_matrix

        self._users = {user: place for place, user in enumerate(histories)}
        places = np.repeat(np.arange(len(histories)), [len(history) for history in histories.values()])
        items = np.fromiter((item for history in histories.values() for item in history), np.int64, len(places))
        chosen = csr_matrix(
            (np.ones(len(items), np.float32), (places, items)), shape=(len(histories), len(self._of_items))
        )
        model = self._make()
        model.fit(chosen, show_progress=False)
        self._of_users, self._of_items = np.asarray(model.user_factors), np.asarray(model.item_factors)

    def scores(self, user: str, recent: Sequence[int]) -> NDArray[np.float32]:
        """See Baseline."""
        place = self._users.get(user)
        if place is not None:
            factor = self._of_users[place]
        elif recent:
            factor = self._of_items[np.array(recent, np.int64)].mean(axis=0)
        else:
            return np.zeros(len(self._of_items), np.float32)
        found: NDArray[np.float32] = self._of_items @ factor
        return found
