"""A log of what users did, in the order in which it is replayed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.profile import IMPRESSION, WEIGHTS, weigh
from features.words.item_words import VERSION, ItemWords, text_hash
from streams.wire.events import InteractionType


class UnreadableLog(ValueError):
    """A log that cannot be replayed; the message says which file or line, and what is expected."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a user did with an item at a time (Unix ms); `rec_id` names the list in which the user saw it, if any.

    A view with `dwell_ms` took so long, of a clip of `duration_ms`.
    """

    user: str
    item: str
    type: InteractionType
    at_ms: int
    dwell_ms: int | None = None
    rating: float | None = None
    rec_id: str | None = None
    duration_ms: int | None = None

    @property
    def weight(self) -> float:
        """What the event says of the item, as profiles weigh it (`features.profile`)."""
        return weigh(self.type, rating=self.rating, dwell_ms=self.dwell_ms, duration_ms=self.duration_ms)

    @property
    def choice(self) -> float:
        """What the event says of the item to others: its weight, but nothing of an upload (docs/adr/0068)."""
        return 0.0 if self.type == "upload" else self.weight

    @property
    def is_wanted(self) -> bool:
        """Whether a good list has the item: the user clicked or more. Looks, uploads and refusals do not count."""
        return self.type not in ("view", "upload") and self.weight >= WEIGHTS["click"]

    @property
    def is_chosen(self) -> bool:
        """Whether models learn from the event: the user chose the item or looked at it, and did not refuse."""
        return self.choice > IMPRESSION


@dataclass(frozen=True, slots=True)
class Log:
    """Events in order of time. `categories` by item, where known; `items` are whole items with pictures, if any.

    `texts` is what is said of items, where known, and `words` are the vectors of that, where it was read.
    """

    events: Sequence[Event]
    categories: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, ItemWords] = field(default_factory=dict)

    def worded(self, embed: Callable[[Sequence[str]], NDArray[np.float32]]) -> "Log":
        """The log with the vectors of its texts; `embed` gives unit vectors float32 [n, DIMENSIONS] of n texts."""
        vectors = embed([*self.texts.values()]).astype("<f2")
        words = {
            item: ItemWords(VERSION, text_hash(text), vector.tobytes())
            for (item, text), vector in zip(self.texts.items(), vectors, strict=True)
        }
        return replace(self, words=words)

    def choices(self) -> Iterator[tuple[str, str, int]]:
        """Who chose which item at which time, as `inference.sequence.choices` takes it."""
        return ((event.user, event.item, event.at_ms) for event in self.events if event.is_chosen)


def in_order(events: Iterable[Event], seed: int) -> list[Event]:
    """The events by time; those of equal times in a random order, which the seed decides."""
    given = list(events)
    order = np.random.default_rng(seed).permutation(len(given)).tolist()
    return sorted((given[place] for place in order), key=lambda event: event.at_ms)
