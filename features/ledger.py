"""A bounded list of items with decaying weights; profiles consist of it."""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: One item: its key, the sum of its weights, and the time (Unix seconds) to which the sum is decayed.
ENTRY = np.dtype([("item", "<u8"), ("weight", "<f4"), ("at_s", "<u4")])
EMPTY = np.empty(0, ENTRY)
WEIGHT_LIMIT = 8.0


def add(
    entries: NDArray[np.void],
    item: int,
    weight: float,
    at_ms: int,
    *,
    limit: int,
    half_life_ms: float,
    most: float = WEIGHT_LIMIT,
) -> NDArray[np.void]:
    """Add `weight` to the entry of the item and move it to the end; over `limit` the entry of least weight is dropped.

    Weights add up under forward decay (Cormode et al. 2009, "Forward Decay"): a late one counts as if it came in time.
    They lift the entry up to `most`, and never lower it. The new entry itself is never dropped.

    >>> added = add(add(EMPTY, 7, 1.0, 0, limit=8, half_life_ms=1e3), 7, 1.0, 1000, limit=8, half_life_ms=1e3)
    >>> added.tolist()
    [(7, 1.5, 1)]
    """
    return _added(_writeable(entries), np.uint64(item), float(weight), at_ms, limit, float(half_life_ms), float(most))


def _writeable(entries: NDArray[np.void]) -> NDArray[np.void]:
    """A writeable array: numba compiles a separate version for read-only ones."""
    return entries if entries.flags.writeable else entries.copy()


@compiled
def _added(
    entries: NDArray[np.void],
    item: np.uint64,
    weight: float,
    at_ms: int,
    limit: int,
    half_life_ms: float,
    most: float,
) -> NDArray[np.void]:
    dropped = np.zeros(len(entries), np.bool_)
    now_ms, known = at_ms, 0.0
    for index in range(len(entries)):
        if entries[index]["item"] == item:
            dropped[index] = True
            old_ms = np.int64(entries[index]["at_s"]) * 1000
            now_ms = max(int(old_ms), at_ms)
            known = _decayed(entries[index], now_ms, half_life_ms)
            weight *= 0.5 ** ((now_ms - at_ms) / half_life_ms)
    if len(entries) - dropped.sum() >= limit:
        dropped[_faintest(entries, dropped, now_ms, half_life_ms)] = True
    grown = np.empty(len(entries) - dropped.sum() + 1, ENTRY)
    kept = 0
    for index in range(len(entries)):
        if not dropped[index]:
            grown[kept] = entries[index]
            kept += 1
    grown[kept]["item"] = item
    grown[kept]["weight"] = max(known, min(known + weight, most))
    grown[kept]["at_s"] = max(now_ms, 0) // 1000
    return grown


@compiled
def _faintest(entries: NDArray[np.void], dropped: NDArray[np.bool_], now_ms: int, half_life_ms: float) -> int:
    """The index of the entry with the least decayed weight among those not dropped."""
    # All weights are decayed to the time of the newest entry; the time of a late event would favour older entries.
    for index in range(len(entries)):
        if not dropped[index]:
            now_ms = max(now_ms, int(entries[index]["at_s"]) * 1000)
    faintest, least = -1, np.inf
    for index in range(len(entries)):
        weight = _decayed(entries[index], now_ms, half_life_ms)
        if not dropped[index] and weight < least:
            faintest, least = index, weight
    return faintest


@compiled
def _decayed(entry: np.void, now_ms: int, half_life_ms: float) -> float:
    """The weight of an entry at `now_ms`, which is not before the time of the entry."""
    age_ms = now_ms - np.int64(entry["at_s"]) * 1000
    return float(entry["weight"] * 0.5 ** (age_ms / half_life_ms))


def remove(entries: NDArray[np.void], item: int) -> NDArray[np.void]:
    """The entries without the entry of the item."""
    return entries[entries["item"] != np.uint64(item)] if len(entries) else entries


def all_entries(ledgers: Iterable[NDArray[np.void]]) -> NDArray[np.void]:
    """The entries of all ledgers, in order.

    This is a hundred times as fast as np.concatenate, which compares the fields of each array.
    """
    # An array is a buffer, which typeshed knows from Python 3.12 on.
    return np.frombuffer(b"".join(cast(Iterable[Any], ledgers)), ENTRY)


def faded(entries: NDArray[np.void], now_ms: int, half_life_ms: float) -> NDArray[np.float32]:
    """The weights of `entries` [n], decayed to `now_ms`: float32 [n]."""
    age_ms = np.maximum(now_ms - entries["at_s"].astype(np.float64) * 1000, 0.0)
    weights: NDArray[np.float32] = (entries["weight"] * 0.5 ** (age_ms / half_life_ms)).astype(np.float32)
    return weights
