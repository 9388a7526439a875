"""Compares expected with stored values of the state. A text describes the difference; it is empty if there is none."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from math import isclose
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.behaviour import UNKNOWN, Behaviour, least_users
from features.fingerprints import count
from features.item import Item
from features.profile import Profile
from features.trends import TRENDS_LIMIT, is_shown
from state.codec import encode_profile

T = TypeVar("T")

TOLERANCE = 1e-5
#: The number of values read from Redis at once.
_CHUNK = 500


def chunks(names: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split names of stored values into chunks that are read at once."""
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def balance(expected: Profile, stored: Profile) -> tuple[int, int]:
    """The number of events that a stored profile lacks, and the number of surplus events in it. Both are lower bounds.

    They come from the counts and from the event ids that both profiles still hold. For each missing event the stored
    window reaches one id further back, so that many older ids in it are no surplus.
    """
    missing = expected.count - stored.count
    stored_ids, expected_ids = Counter(stored.events.tolist()), Counter(expected.events.tolist())
    doubled = max((stored_ids - expected_ids).total() - max(missing, 0), -missing, 0)
    return missing + doubled, doubled


def profile_difference(expected: Profile, stored: Profile) -> str:
    """The fields in which two profiles differ. Equal profiles are equal byte by byte."""
    if encode_profile(expected) == encode_profile(stored):
        return ""
    found = [
        f"{field.name}: {_short(ours)}, stored {_short(theirs)}"
        for field in fields(Profile)
        if not _same(ours := getattr(expected, field.name), theirs := getattr(stored, field.name))
    ]
    return "; ".join(found) or "its bytes"


def lacks_only_today(expected: Profile, stored: Profile) -> bool:
    """Whether a stored profile is the expected one but for items seen today that a release before did not count."""
    counted = replace(expected, seen_today=stored.seen_today)
    return stored.seen_today < expected.seen_today and not profile_difference(counted, stored)


def recent_difference(recent: Profile, stored: Profile) -> tuple[int, str]:
    """The number of retained events that a stored profile lacks, and a text; for a user whose first events are deleted.

    An event id that is used both before and after the first retained event looks missing.
    """
    missing = int((~np.isin(recent.events, stored.events)).sum())
    lacking = max(missing, recent.count - stored.count, 0)
    return lacking, f"{lacking} of the last {recent.count} events are not in it" if lacking else ""


def behaviour_difference(expected: Behaviour, stored: Behaviour | None, *, order_known: bool) -> str:
    """The fields in which two behaviours differ; sums and neighbours may differ by TOLERANCE.

    Without `order_known` the neighbours are not compared: they depend on the order of engagements.
    """
    if stored is None:
        return "is not stored"
    sums = (("popular", expected.popular, stored.popular), ("trend", expected.trend, stored.trend))
    found = [f"{name}: {ours:.6g}, stored {theirs:.6g}" for name, ours, theirs in sums if not near(ours, theirs)]
    for name in ("user_bitmap", "user_bitmap_before", "met_bitmap", "met_bitmap_before"):
        if getattr(expected, name) != getattr(stored, name):
            found.append(f"{name}: {getattr(expected, name):#x}, stored {getattr(stored, name):#x}")
    if expected.at_ms != stored.at_ms:
        found.append(f"at_ms: {expected.at_ms}, stored {stored.at_ms}")
    if order_known and not _same_neighbours(expected.neighbours, stored.neighbours):
        found.append(f"neighbours: {_short(expected.neighbours)}, stored {_short(stored.neighbours)}")
    return "; ".join(found)


def trend_differences(
    expected: Mapping[int, Behaviour], trends: NDArray[np.void], *, min_users: int = 1
) -> dict[int, str]:
    """The differences of a partition's trends, by item key.

    Each entry must repeat the sums of its item. While the table has room, every popular item must have an entry. An
    item must not have an entry if perhaps fewer than `min_users` users contributed to it.
    """
    found = {}
    for item, popular, trend, at_s in trends.tolist():
        behaviour = expected.get(item, UNKNOWN)
        sums = (behaviour.popular, behaviour.trend, max(behaviour.at_ms, 0) // 1000)
        if not (near(sums[0], popular) and near(sums[1], trend) and sums[2] == at_s):
            found[item] = f"popular, trend, at_s: {sums}, stored {(popular, trend, at_s)}"
        elif not is_shown(behaviour, min_users):
            found[item] = f"is shown with {least_users(behaviour)} users known; at least {min_users} are wanted"
    popular_items = {item for item, each in expected.items() if each.popular > 0 and is_shown(each, min_users)}
    if len(popular_items) <= TRENDS_LIMIT:
        found |= dict.fromkeys(popular_items - set(trends["item"].tolist()), "is not in the trends")
    return found


def item_difference(expected: Item | None, stored: Item | None) -> str:
    """The fields in which two items differ; None stands for an item that does not exist."""
    if expected is None or stored is None:
        return "" if expected is stored else f"is {'not ' if stored is None else ''}stored"
    return "; ".join(
        f"{field.name}: {_short(getattr(expected, field.name))}, stored {_short(getattr(stored, field.name))}"
        for field in fields(Item)
        if getattr(expected, field.name) != getattr(stored, field.name)
    )


def near(expected: float, stored: float) -> bool:
    """Whether two numbers are equal within TOLERANCE, which is relative for values above 1."""
    return isclose(expected, stored, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _same(expected: object, stored: object) -> bool:
    if isinstance(expected, tuple) and isinstance(stored, tuple):
        return len(expected) == len(stored) and all(map(np.array_equal, expected, stored))
    return np.array_equal(expected, stored)  # type: ignore[arg-type]  # or plain values


def _same_neighbours(expected: NDArray[np.void], stored: NDArray[np.void]) -> bool:
    if len(expected) != len(stored):
        return False
    ours, theirs = np.sort(expected, order="item"), np.sort(stored, order="item")
    return bool(
        (ours["item"] == theirs["item"]).all()
        and (ours["at_s"] == theirs["at_s"]).all()
        and np.allclose(ours["weight"], theirs["weight"], rtol=TOLERANCE, atol=TOLERANCE)
    )


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        last = value[-1:].tolist()
        return f"{len(value)} ending with {last[0]}" if last else "none"
    if isinstance(value, tuple):
        return f"{count(value)} fingerprints"
    return repr(value)[:80]
