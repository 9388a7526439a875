"""Tunes Python's garbage collector and malloc for a process that answers within milliseconds."""

import ctypes
import gc

#: Thresholds of gc.set_threshold: new objects before a collection of the youngest generation, and collections of a
#: generation before the next older one is collected. Objects of an event form no reference cycles, so reference
#: counting frees them. Python's defaults of 700 and 10 would scan all profiles in memory every few hundred events.
_YOUNGEST_THRESHOLD, _OLDER_THRESHOLD = 50_000, 20
#: Parameters of mallopt(3) and their values in bytes: how much freed memory malloc may keep, and the allocation size
#: from which it keeps none. Batches of lists allocate and free memory all the time. A page returned to the system
#: causes a page fault when it is needed again: 10 to 16 faults an event, 1.6 µs each.
_M_TRIM_THRESHOLD, _KEPT_BYTES = -1, 64 << 20
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 32 << 20


def keep() -> None:
    """Exclude all present objects from garbage collection, collect new ones rarely, and make malloc keep freed memory.

    Call it after the start: the objects that exist then live as long as the process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNGEST_THRESHOLD, _OLDER_THRESHOLD, _OLDER_THRESHOLD)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # only glibc has it
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
