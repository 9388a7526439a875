"""What a sequence model learns from: choices in order of time, and what is known of the items."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.errors import NothingToLearn
from inference.sequence.model import ITEMS_LIMIT

#: Choices of a user that count, the latest: one busy account is not to be half of what is learned.
USER_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Histories:
    """Choices in order of time: `users` and `items` int64 [n] are numbers; a user's choices of an item are one.

    Of each item `keys` uint64 [i] has the key, `categories` int64 [i] its place in `category_names`, or -1, and
    `pictures` float16 [i, p] the unit vector of its picture by `encoder`, or zeros. p is 0 where no item has one.
    `until_ms` is the time of the last choice (Unix ms).
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    keys: NDArray[np.uint64]
    categories: NDArray[np.int64]
    category_names: tuple[str, ...]
    pictures: NDArray[np.float16]
    encoder: str | None
    until_ms: int


def check(histories: Histories) -> None:
    """Raise NothingToLearn where nobody chose a second item, or there is one item alone."""
    count, items = len(histories.users), len(np.unique(histories.items))
    if not len(histories.users) or np.bincount(histories.users).max() < 2:
        raise NothingToLearn(
            f"no user of {count:,} choices has two items: there is no order to learn; give a longer log"
        )
    if items < 2:
        raise NothingToLearn("all choices are of one item: there is nothing to tell apart; give a log of more items")


def latest_of_users(users: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of the last USER_LIMIT choices of each user, from the `users` [n] in order of time; in that order."""
    return np.flatnonzero(_places_from_the_end(users) < USER_LIMIT)


def _places_from_the_end(users: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.argsort(users[::-1], kind="stable")
    starts = np.searchsorted(users[::-1][order], users[::-1][order])
    places = np.empty(len(users), np.int64)
    places[order] = np.arange(len(users)) - starts
    return places[::-1]


def known_ids(items: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The number of each of `count` items among those known by id, from 1; 0 for others.

    These are the ITEMS_LIMIT most chosen of the `items` [n] of choices.
    """
    chosen = np.bincount(items, minlength=count)
    most = np.argsort(-chosen, kind="stable")[:ITEMS_LIMIT]
    most = np.sort(most[chosen[most] > 0])
    ids = np.zeros(count, np.int64)
    ids[most] = np.arange(1, len(most) + 1)
    return ids


def pieces(
    users: NDArray[np.int64], length: int, offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut histories into pieces: the places of choices and of the next ones, int64 [pieces, length], -1 pads the end.

    `users` [n] are those of choices in order of time. The first piece of user u has length - `offsets[u]` choices at
    most, so that other offsets cut at other places.
    """
    order = np.argsort(users, kind="stable")
    grouped = users[order]
    # The last choice of a user has no next one.
    has_next = np.append(grouped[1:] == grouped[:-1], False)
    within = np.arange(len(order)) - np.searchsorted(grouped, grouped)
    shifted = within + offsets[grouped]
    is_first = shifted < length
    column = np.where(is_first, within, shifted % length)
    starts = has_next & (column == 0)
    row = np.cumsum(starts) - 1
    places = np.full((int(starts.sum()), length), -1, np.int64)
    following = places.copy()
    at = np.flatnonzero(has_next)
    places[row[at], column[at]], following[row[at], column[at]] = order[at], order[at + 1]
    return places, following
