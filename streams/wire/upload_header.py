"""The header of what the uploads agent sends for an upload: the place of that on events.uploads.

An `upload` interaction has it, and a signal that the items agent may refuse.

Whoever may write events of a user can write this header, too: it is bounded here (docs/untrusted-input.md).
"""

import re
from collections.abc import Iterable
from typing import Final

from features.upload_places import UploadPlace
from streams.settings import PARTITIONS_LIMIT
from streams.wire.parsing import FUTURE_MS
from streams.wire.records import Record

UPLOAD: Final = "sightline-upload"
_PLACE = re.compile(rb"(\d{1,4})-(\d{1,19})-(\d{1,10})")
#: Kafka's offsets are signed 64-bit integers.
_OFFSETS_END = 2**63


def header_of(upload: Record) -> tuple[str, bytes]:
    """The header for the interaction of this record of events.uploads."""
    at_s = min(max(upload.timestamp_ms // 1000, 0), 2**32 - 1)
    return UPLOAD, b"%d-%d-%d" % (upload.partition, upload.offset, at_s)


def place_of(record: Record) -> UploadPlace | None:
    """The place that a record of events.interactions names; None if it names none that can be, as events of apps do."""
    place = named_place(record.headers)
    return place if place is not None and _can_be(place, record) else None


def named_place(headers: Iterable[tuple[str, bytes]]) -> UploadPlace | None:
    """The place that the first such header names, whether it can be or not."""
    for name, value in headers:
        if name == UPLOAD and (found := _PLACE.fullmatch(value or b"")):
            return UploadPlace(*map(int, found.groups()))
    return None


def _can_be(place: UploadPlace, record: Record) -> bool:
    """Whether the place is in bounds and its time is not after the record's, which follows it.

    The clocks of two brokers may differ by a little.
    """
    latest_s = min((record.timestamp_ms + FUTURE_MS) // 1000, 2**32 - 1)
    return place.partition < PARTITIONS_LIMIT and place.offset < _OFFSETS_END and place.at_s <= latest_s
