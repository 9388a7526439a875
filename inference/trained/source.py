"""What a source of candidates by a trained model is made of, whatever the model."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from features.profile import Profile
from inference.trained.item_vectors import BestRows, ItemVectors

#: Rows that are proposed to a user at most.
PROPOSED_COUNT: Final = 100
#: Items that a space reads at a time: some 3 ms, in which nothing else runs in its process.
AT_ONCE: Final = 1024


class Judgement(Protocol):
    """What a model says of u users and of the items of a catalogue."""

    @property
    def best(self) -> BestRows:
        """The rows that are proposed to each user."""
        ...

    @property
    def vectors(self) -> ItemVectors:
        """The vectors of the items that the model knows."""
        ...

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Of which users the model knows anything, bool [u]."""
        ...

    def strengths(self, rows: NDArray[np.int64], bounds: NDArray[np.int64]) -> NDArray[np.float32]:
        """How strongly the model speaks for rows [m], 0 to 1, float32 [m]; 0 for an item or user that it does not know.

        Those of user i are at `bounds[i]` to `bounds[i + 1]`.
        """
        ...

    def origins(self, users: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row [m], and its user [m], the row of the user's item that it follows from, int64 [m]; or -1."""
        ...


class Space(Protocol):
    """A catalogue as a model sees it. Not thread-safe."""

    @property
    def model(self) -> Any:
        """The model; the same one sees the same."""
        ...

    def align(self) -> bool:
        """Read up to AT_ONCE items that came to the catalogue, or changed; whether no others are left."""
        ...

    def judge(self, profiles: Sequence[Profile], rows: NDArray[np.int64], weights: NDArray[np.float32]) -> Judgement:
        """What the model says of the users with these profiles [u].

        What they are after is in `rows` [u, n] (-1: none), with `weights` float32 [u, n] (`retrieval.tastes`). It
        aligns before, once: where more items came at the same time, the model knows the others some lists later.
        """
        ...
