"""What a sequence model learns from the choices of a log."""

from collections.abc import Iterable, Mapping

import numpy as np

from features.item import Item, key_of
from inference.sequence.histories import Histories, latest_of_users
from inference.trained.pictures import pictures_of


def histories_of(
    choices: Iterable[tuple[str, str, int]], known: Mapping[str, Item], categories: Mapping[str, str], dimensions: int
) -> Histories:
    """The choices (user, item, Unix ms) of a log, in order of time, with the categories and pictures of `known` items.

    An item of which no category is known may have one in `categories`. The pictures are those by the encoder of most
    items whose vectors have these dimensions. An item that its user chose before is no choice.
    """
    given = list(choices)
    chosen = dict.fromkeys((user, item) for user, item, _ in given)
    users = {user: number for number, user in enumerate(dict.fromkeys(user for user, _ in chosen))}
    items = {item: number for number, item in enumerate(dict.fromkeys(item for _, item in chosen))}
    of_users = np.array([users[user] for user, _ in chosen], np.int64)
    latest = latest_of_users(of_users)
    category_of = {
        item: (known[item].known_category if item in known else None) or categories.get(item) for item in items
    }
    names = tuple(sorted({name for name in category_of.values() if name is not None}))
    codes = {name: code for code, name in enumerate(names)}
    encoder, pictures = pictures_of(items, known, dimensions)
    return Histories(
        of_users[latest],
        np.array([items[item] for _, item in chosen], np.int64)[latest],
        np.array([key_of(item) for item in items], np.uint64),
        np.array([codes.get(name or "", -1) for name in category_of.values()], np.int64),
        names,
        pictures,
        encoder,
        max((at_ms for *_, at_ms in given), default=0),
    )
