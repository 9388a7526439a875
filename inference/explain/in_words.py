"""A profile in words: which items stand for the interests and what they show, what was chosen, what was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.fingerprints import count
from features.item import Item
from features.ledger import faded
from features.profile import ENGAGED_HALF_LIFE_MS, Profile
from features.vision.colours import named_first
from features.vision.tags.readable import Tag, readable
from inference.catalog.catalog import Catalog
from inference.retrieval.preferences import named_dials
from inference.retrieval.tastes import Tastes, find_tastes


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a profile; an item that is not in the catalogue is named by `#` and its key in hexadecimal."""

    item_id: str
    weight: float
    at_ms: int


@dataclass(frozen=True, slots=True)
class Interest:
    """One interest: its share, the item of the profile that stands for it, and what that item's picture shows.

    The first of its `colours` is the one by which people name it.
    """

    share: float
    item_id: str
    tags: Sequence[Tag] = ()
    colours: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class ProfileInWords:
    """A profile in words: `interests` with the largest share first, `categories` the shares of its categories.

    `engaged` and `refused` have the latest first. `seen` counts all items that are remembered as seen,
    `refused_before` those refused longer ago than `refused`. `dials` are by name, oldest first; a name that is not in
    the catalogue, such as an owner's, is `#` and its key. A user is `known` by interactions or dials.
    """

    known: bool
    opted_out: bool
    interactions: int
    last_at_ms: int | None
    interests: Sequence[Interest]
    categories: Mapping[str, float]
    dials: Mapping[str, float]
    engaged: Sequence[Entry]
    refused: Sequence[Entry]
    refused_before: int
    seen: int


def in_words(profile: Profile, catalog: Catalog) -> ProfileInWords:
    """The profile in words, with the items of today's catalogue; what its interests show is not known yet."""
    tastes = find_tastes([profile], catalog, profile.last_at_ms)
    shares = dict(zip(catalog.category_names, tastes.categories[0].tolist(), strict=True))
    return ProfileInWords(
        known=profile.is_known,
        opted_out=profile.privacy.opted_out,
        interactions=profile.count,
        last_at_ms=profile.last_at_ms if profile.count else None,
        interests=_interests(tastes, catalog),
        categories={
            name: round(shares[name], 3) for name in sorted(shares, key=lambda each: -shares[each]) if shares[name]
        },
        dials=named_dials(profile.dials, catalog),
        engaged=_entries(profile.engaged, profile.last_at_ms, catalog),
        refused=_entries(profile.refused, profile.last_at_ms, catalog),
        refused_before=count(profile.refused_before),
        seen=len(profile.seen) + count(profile.seen_before),
    )


def with_looks(words: ProfileInWords, items: Mapping[str, Item]) -> ProfileInWords:
    """The same with what the pictures of these items, by id, show of the interests that they stand for."""
    return replace(words, interests=[_with_look(each, items.get(each.item_id)) for each in words.interests])


def _interests(tastes: Tastes, catalog: Catalog) -> list[Interest]:
    shares, places = tastes.interests.shares[0], tastes.interests.medoids[0]
    found = [
        Interest(round(share, 3), catalog.item_ids[row])
        for share, row in zip(shares[places >= 0].tolist(), tastes.rows[0][places[places >= 0]].tolist(), strict=True)
    ]
    return sorted(found, key=lambda each: -each.share)


def _with_look(interest: Interest, item: Item | None) -> Interest:
    if item is None:
        return interest
    return replace(interest, tags=readable(item.tags), colours=named_first(item.colours))


def _entries(entries: NDArray[np.void], now_ms: int, catalog: Catalog) -> list[Entry]:
    rows = catalog.rows_of(entries["item"]).tolist()
    weights = faded(entries, now_ms, ENGAGED_HALF_LIFE_MS).tolist()
    found = [
        Entry(catalog.item_ids[row] if row >= 0 else f"#{key:016x}", round(weight, 3), at_s * 1000)
        for row, key, weight, at_s in zip(
            rows, entries["item"].tolist(), weights, entries["at_s"].tolist(), strict=True
        )
    ]
    return found[::-1]
