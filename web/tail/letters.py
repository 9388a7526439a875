"""What the tail keeps of a dead letter: why, of what, and nothing of the message, which may be a picture."""

from typing import Final

import msgspec

from sightline_client.parsing import UNREADABLE
from streams.wire.events import DeadLetter
from streams.wire.topics import UPLOADS
from streams.wire.upload_header import named_place


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A refused event: where it lies, its id if it has one that can be read, and why it was refused.

    `upload` is the place of an upload on events.uploads, `<partition>-<offset>`, whoever refused it.
    """

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    event_id: str | None
    upload: str | None


class _Named(msgspec.Struct):
    event_id: str | None = None


_named: Final = msgspec.json.Decoder(_Named)


def letter_of(full: DeadLetter) -> Letter:
    """What is kept of a dead letter."""
    try:
        event_id = _named.decode(full.value or b"").event_id
    except UNREADABLE:
        event_id = None
    return Letter(
        reason=full.reason,
        error=full.error,
        topic=full.topic,
        partition=full.partition,
        offset=full.offset,
        event_id=event_id,
        upload=_upload_of(full),
    )


def _upload_of(full: DeadLetter) -> str | None:
    if full.topic.endswith(UPLOADS.name):
        return f"{full.partition}-{full.offset}"
    place = named_place(full.headers)
    return None if place is None else f"{place.partition}-{place.offset}"
