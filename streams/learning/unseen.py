"""The profile of a user as it was before some items were shown: what the user then did teaches a ranker."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from features.profile import Profile, chosen


def before_impressions(profile: Profile, items: Collection[int]) -> Profile:
    """Take back that these items, by key, were shown and scrolled past; what the user did with them stays.

    Impressions before the last SEEN_LIMIT items stay, too: fingerprints do not say which items they are of.
    """
    engaged = profile.engaged
    shown = np.array(list(items), np.uint64)
    untouched = shown[~np.isin(shown, chosen(profile)["item"])]
    passed = np.isin(engaged["item"], untouched)
    remains = ~np.isin(profile.seen, untouched.astype(np.uint32))
    today = np.count_nonzero(remains[len(remains) - profile.seen_today :])
    return replace(profile, engaged=engaged[~passed], seen=profile.seen[remains], seen_today=int(today))


def is_touched(profile: Profile, item: int) -> bool:
    """Whether the user did more with the item than scroll past it."""
    return bool((chosen(profile)["item"] == np.uint64(item)).any())
