"""The last choices of a log, which are kept back from training: how high the net puts them."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from inference.sequence.histories import Histories
from inference.sequence.training import Training, queries
from inference.sequence.user_tower import LENGTH

#: The share of the choices that is kept back, and how many of them are asked for at most, evenly spread.
SHARE: Final = 0.05
_ASKED: Final = 2_000
_AT_ONCE: Final = 256
_FIRST: Final = 10


class Judged(NamedTuple):
    """The share of wanted items that are among the first ten, and their mean nDCG there (1 for the first place)."""

    hit: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class Question:
    """After the items `before` the user chose `wanted`."""

    before: NDArray[np.int64]
    wanted: int


class HeldOut:
    """Questions about the choices after the first `count`; those of users without an earlier choice are none."""

    def __init__(self, histories: Histories) -> None:
        self.count = len(histories.users) - max(round(SHARE * len(histories.users)), 1)
        self._items = np.unique(histories.items)
        self._popular = np.bincount(histories.items[: self.count], minlength=len(histories.keys)).astype(np.float32)
        self.questions = _questions(histories, self.count)

    def judge(self, training: Training) -> Judged:
        """Where the net puts what was wanted, among the items that the user had not chosen."""
        training.network.eval()
        with torch.inference_mode():
            vectors = training.vectors(torch.from_numpy(self._items)).numpy()
        ranks: list[float] = []
        for start in range(0, len(self.questions), _AT_ONCE):
            asked = self.questions[start : start + _AT_ONCE]
            wishes = queries(training, [each.before[-LENGTH:] for each in asked])
            ranks += map(self._rank, asked, wishes @ vectors.T)
        return _judged(ranks)

    def judge_popular(self) -> Judged:
        """The same where the items that most users chose come first."""
        scores = self._popular[self._items]
        return _judged([self._rank(each, scores.copy()) for each in self.questions])

    def _rank(self, asked: Question, scores: NDArray[np.float32]) -> float:
        """The place of the wanted item, from 0, by the `scores` [i] of all items, which are written to."""
        scores[np.searchsorted(self._items, asked.before)] = -np.inf
        wanted = scores[np.searchsorted(self._items, asked.wanted)]
        # Of equal scores half are before it.
        return float(np.count_nonzero(scores > wanted) + (np.count_nonzero(scores == wanted) - 1) / 2)


def _judged(ranks: list[float]) -> Judged:
    places = np.array(ranks)
    first = places[places < _FIRST]
    count = max(len(places), 1)
    return Judged(len(first) / count, float((1 / np.log2(first + 2)).sum()) / count)


def _questions(histories: Histories, count: int) -> list[Question]:
    order = np.argsort(histories.users, kind="stable")
    users = histories.users[order]
    starts = np.searchsorted(users, users)
    late = np.flatnonzero((order >= count) & (starts < np.arange(len(order))))
    late = late[np.linspace(0, len(late) - 1, min(len(late), _ASKED)).astype(np.int64)]
    items = histories.items[order]
    return [Question(items[starts[place] : place], int(items[place])) for place in late.tolist()]
