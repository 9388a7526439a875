"""What Python's garbage collector is left to do in a process that answers within milliseconds."""

import gc

#: New objects after which the youngest are looked at, and after how many such looks the older ones are. What an event
#: leaves refers to nothing that refers back, so it goes by itself; Python's own 700 and 10 have all profiles in memory
#: looked at every few hundred events.
_YOUNG, _LOOKS = 50_000, 20


def leave_to_itself() -> None:
    """What lives now lives for long: it is not looked at again, and what comes is looked at seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _LOOKS, _LOOKS)
