"""The header of an `upload` interaction that the uploads agent sends: the place of its upload on events.uploads."""

import re
from typing import Final

from features.upload_places import UploadPlace
from streams.wire.records import Record

UPLOAD: Final = "sightline-upload"
_PLACE = re.compile(rb"(\d{1,4})-(\d{1,18})-(\d{1,10})")


def header_of(upload: Record) -> tuple[str, bytes]:
    """The header for the interaction of this record of events.uploads."""
    at_s = min(max(upload.timestamp_ms // 1000, 0), 2**32 - 1)
    return UPLOAD, b"%d-%d-%d" % (upload.partition, upload.offset, at_s)


def place_of(record: Record) -> UploadPlace | None:
    """The place that a record of events.interactions names; None if it names none, as events of apps do."""
    for name, value in record.headers:
        if name == UPLOAD and (place := _PLACE.fullmatch(value or b"")):
            partition, offset, at_s = map(int, place.groups())
            return UploadPlace(partition, offset, min(at_s, 2**32 - 1))
    return None
