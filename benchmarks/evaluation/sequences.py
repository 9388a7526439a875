"""What a sequence model learns from a log."""

from collections import Counter

import numpy as np

from benchmarks.evaluation.log import Log
from features.item import key_of
from inference.sequence.histories import Histories, latest_of_users


def histories_of(log: Log, dimensions: int) -> Histories:
    """The choices of a log, and the categories and pictures of their items.

    The pictures are those by the encoder of most items whose vectors have these dimensions. An item that its user chose
    before is no choice.
    """
    chosen = dict.fromkeys((event.user, event.item) for event in log.events if event.is_chosen)
    users = {user: number for number, user in enumerate(dict.fromkeys(user for user, _ in chosen))}
    items = {item: number for number, item in enumerate(dict.fromkeys(item for _, item in chosen))}
    of_users = np.array([users[user] for user, _ in chosen], np.int64)
    latest = latest_of_users(of_users)
    names = tuple(sorted({name for item in items if (name := _category(log, item)) is not None}))
    codes = {name: code for code, name in enumerate(names)}
    encoder = _encoder(log, dimensions)
    pictures = np.zeros((len(items), dimensions if encoder else 0), np.float16)
    for item, number in items.items():
        embedding = log.items[item].embeddings.get(encoder) if encoder and item in log.items else None
        if embedding is not None and len(embedding) == 2 * dimensions:
            pictures[number] = np.frombuffer(embedding, "<f2")
    return Histories(
        of_users[latest],
        np.array([items[item] for _, item in chosen], np.int64)[latest],
        np.array([key_of(item) for item in items], np.uint64),
        np.array([codes.get(_category(log, item) or "", -1) for item in items], np.int64),
        names,
        pictures,
        encoder,
        max((event.at_ms for event in log.events if event.is_chosen), default=0),
    )


def _category(log: Log, item: str) -> str | None:
    known = log.items.get(item)
    return known.category if known is not None and known.category is not None else log.categories.get(item)


def _encoder(log: Log, dimensions: int) -> str | None:
    """The encoder of most items."""
    found = Counter(
        name for item in log.items.values() for name, each in item.embeddings.items() if len(each) == 2 * dimensions
    )
    return found.most_common(1)[0][0] if found else None
