"""How far each partition of events.uploads has come in the profile of a user who uploads.

The uploads agent sends an interaction for each upload, in the order of their partition. When an operator sends the
agent back in that topic, it sends thousands of them again; their places tell, however many they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The last upload from one partition: its offset, and its broker time in Unix seconds.
PLACE = np.dtype([("partition", "<u2"), ("offset", "<u8"), ("at_s", "<u4")])
NO_PLACES = np.empty(0, PLACE)


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """The place of an upload on events.uploads, and its broker time."""

    partition: int
    offset: int
    at_s: int


def is_passed(places: NDArray[np.void], place: UploadPlace) -> bool:
    """Whether an upload at this place was applied before: neither its offset nor its time is above the last one's.

    In a recreated topic offsets restart, but its times are later.
    """
    known = places[places["partition"] == place.partition]
    return len(known) > 0 and place.offset <= int(known["offset"][0]) and place.at_s <= int(known["at_s"][0])


def passed(places: NDArray[np.void], place: UploadPlace) -> NDArray[np.void]:
    """The places after an upload, by partition.

    >>> passed(passed(NO_PLACES, UploadPlace(3, 7, 100)), UploadPlace(0, 1, 100)).tolist()
    [(0, 1, 100), (3, 7, 100)]
    """
    known = {partition: (partition, offset, at_s) for partition, offset, at_s in places.tolist()}
    known[place.partition] = (place.partition, place.offset, place.at_s)
    return np.array([known[partition] for partition in sorted(known)], PLACE)
