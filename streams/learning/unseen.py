"""The profile of a user as it was before some items were shown: what the user then did teaches a ranker."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from features.profile import IMPRESSION, Profile

#: Above the weight of an impression as float32.
_TOUCHED = IMPRESSION + 1e-6


def before_impressions(profile: Profile, items: Collection[int]) -> Profile:
    """Take back that these items, by key, were shown and scrolled past; what the user did with them stays.

    Impressions before the last SEEN_LIMIT items stay, too: fingerprints do not say which items they are of.
    """
    engaged = profile.engaged
    shown = np.array(list(items), np.uint64)
    passed = np.isin(engaged["item"], shown) & (engaged["weight"] <= _TOUCHED)
    untouched = shown[~np.isin(shown, engaged["item"][~passed])].astype(np.uint32)
    return replace(profile, engaged=engaged[~passed], seen=profile.seen[~np.isin(profile.seen, untouched)])


def is_touched(profile: Profile, item: int) -> bool:
    """Whether the user did more with the item than scroll past it."""
    entry = profile.engaged["item"] == np.uint64(item)
    return bool((profile.engaged["weight"][entry] > _TOUCHED).any())
