"""A bounded list of items with fading weights: what profiles and neighbour lists are made of."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: One item: its key, the decayed sum of its weights, and the time (Unix seconds) the sum was decayed to.
ENTRY = np.dtype([("item", "<u8"), ("weight", "<f4"), ("at_s", "<u4")])
EMPTY = np.empty(0, ENTRY)
WEIGHT_LIMIT = 8.0


def add(
    entries: NDArray[np.void], item: int, weight: float, at_ms: int, *, limit: int, half_life_ms: float
) -> NDArray[np.void]:
    """Add `weight` to the item's entry and move it to the end; over `limit` the faintest other entry goes.

    Weights add up under forward decay (Cormode et al. 2009, "Forward Decay"): a late one counts as if in time.

    >>> added = add(add(EMPTY, 7, 1.0, 0, limit=8, half_life_ms=1e3), 7, 1.0, 1000, limit=8, half_life_ms=1e3)
    >>> added.tolist()
    [(7, 1.5, 1)]
    """
    return _added(_writeable(entries), np.uint64(item), float(weight), at_ms, limit, float(half_life_ms))


def add_each(
    entries: NDArray[np.void], added: Sequence[tuple[int, float]], at_ms: int, *, limit: int, half_life_ms: float
) -> NDArray[np.void]:
    """As `add` with one item and weight after the other, in one call.

    >>> add_each(EMPTY, [(7, 1.0), (8, 0.5), (7, 1.0)], 0, limit=8, half_life_ms=1e3).tolist()
    [(8, 0.5, 0), (7, 2.0, 0)]
    """
    if not added:
        return entries
    items = np.array([item for item, _ in added], np.uint64)
    weights = np.array([weight for _, weight in added], np.float64)
    return _added_each(_writeable(entries), items, weights, at_ms, limit, float(half_life_ms))


def _writeable(entries: NDArray[np.void]) -> NDArray[np.void]:
    """The entries as a compiled function takes them, to which others are of another type."""
    return entries if entries.flags.writeable else entries.copy()


@compiled
def _added_each(
    entries: NDArray[np.void],
    items: NDArray[np.uint64],
    weights: NDArray[np.float64],
    at_ms: int,
    limit: int,
    half_life_ms: float,
) -> NDArray[np.void]:
    for place in range(len(items)):
        entries = _added(entries, items[place], weights[place], at_ms, limit, half_life_ms)
    return entries


@compiled
def _added(
    entries: NDArray[np.void], item: np.uint64, weight: float, at_ms: int, limit: int, half_life_ms: float
) -> NDArray[np.void]:
    gone = np.zeros(len(entries), np.bool_)
    now_ms = at_ms
    for place in range(len(entries)):
        if entries[place]["item"] == item:
            gone[place] = True
            old_ms = np.int64(entries[place]["at_s"]) * 1000
            now_ms = max(int(old_ms), at_ms)
            weight = _left(entries[place], now_ms, half_life_ms) + weight * 0.5 ** ((now_ms - at_ms) / half_life_ms)
    if len(entries) - gone.sum() >= limit:
        gone[_faintest(entries, gone, now_ms, half_life_ms)] = True
    grown = np.empty(len(entries) - gone.sum() + 1, ENTRY)
    kept = 0
    for place in range(len(entries)):
        if not gone[place]:
            grown[kept] = entries[place]
            kept += 1
    grown[kept]["item"] = item
    grown[kept]["weight"] = min(weight, WEIGHT_LIMIT)
    grown[kept]["at_s"] = max(now_ms, 0) // 1000
    return grown


@compiled
def _faintest(entries: NDArray[np.void], gone: NDArray[np.bool_], now_ms: int, half_life_ms: float) -> int:
    """The entry with the least weight left, of those that are not gone."""
    # Compared as of one moment that none of them is later than, or a late event would be unfair to the newer ones.
    for place in range(len(entries)):
        if not gone[place]:
            now_ms = max(now_ms, int(entries[place]["at_s"]) * 1000)
    faintest, least = -1, np.inf
    for place in range(len(entries)):
        left = _left(entries[place], now_ms, half_life_ms)
        if not gone[place] and left < least:
            faintest, least = place, left
    return faintest


@compiled
def _left(entry: np.void, now_ms: int, half_life_ms: float) -> float:
    """The weight of one entry at a time that it is not later than."""
    age_ms = now_ms - np.int64(entry["at_s"]) * 1000
    return float(entry["weight"] * 0.5 ** (age_ms / half_life_ms))


def remove(entries: NDArray[np.void], item: int) -> NDArray[np.void]:
    """The entries without the item's."""
    return entries[entries["item"] != np.uint64(item)] if len(entries) else entries


def all_entries(ledgers: Iterable[NDArray[np.void]]) -> NDArray[np.void]:
    """The entries of all, one ledger after the other.

    A hundred times as fast as np.concatenate, which works out for each anew that it has the same fields.
    """
    # An array is a buffer, which typeshed knows from Python 3.12 on.
    return np.frombuffer(b"".join(cast(Iterable[Any], ledgers)), ENTRY)


def faded(entries: NDArray[np.void], now_ms: int, half_life_ms: float) -> NDArray[np.float32]:
    """The weights of `entries` [n] as they stand at `now_ms`, float32 [n]."""
    age_ms = np.maximum(now_ms - entries["at_s"].astype(np.float64) * 1000, 0.0)
    weights: NDArray[np.float32] = (entries["weight"] * 0.5 ** (age_ms / half_life_ms)).astype(np.float32)
    return weights
