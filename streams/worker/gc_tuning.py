"""How a process that answers within milliseconds treats its memory."""

import ctypes
import gc

#: New objects after which the youngest are looked at, and after how many such looks the older ones are. What an event
#: leaves refers to nothing that refers back, so it goes by itself; Python's own 700 and 10 have all profiles in memory
#: looked at every few hundred events.
_YOUNG, _LOOKS = 50_000, 20
#: mallopt(3), with the most that it may keep of what was freed, in bytes, and the size from which it keeps nothing.
#: What a batch of lists takes comes and goes all the time, and a page that was given back to the system is a fault when
#: it is needed again: 10 to 16 an event, of 1.6 µs each.
_TRIM_THRESHOLD, _KEPT = -1, 64 << 20
_MMAP_THRESHOLD, _LARGE = -3, 32 << 20


def keep() -> None:
    """What lives now lives for long, and is not looked at again; what comes is, seldom; what goes leaves its room."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _LOOKS, _LOOKS)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # which is glibc's
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGE)
