"""How likely a user looks at a slot: what was chosen far down a list says more than what stood first."""

#: (1 / (1 + slot)) ^ SEEN_POWER is the chance that a slot is looked at (Joachims et al. 2017), the first one's being 1.
SEEN_POWER = 0.5
#: The greatest weight, so that a few rare choices do not decide (clipped inverse propensity).
MOST = 5.0


def seen_weight(slot: int) -> float:
    """What a choice from this slot weighs, the inverse of the chance that it was looked at; 1 outside a list.

    >>> seen_weight(-1), seen_weight(0), seen_weight(3), seen_weight(99)
    (1.0, 1.0, 2.0, 5.0)
    """
    return 1.0 if slot < 0 else min((1.0 + slot) ** SEEN_POWER, MOST)
