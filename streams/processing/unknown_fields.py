"""Fields of events that this release does not know: they are ignored, but counted, and some are logged by name.

A misspelt field would otherwise change nothing, and nobody would hear of it.
"""

from functools import cache
from typing import Final

import msgspec

from sightline_client.parsing import UNREADABLE
from streams.logs import Seldom, log
from streams.metrics import UNKNOWN_FIELDS
from streams.wire.events import Event, Interaction, ItemChange, PrivacyRequest, Upload
from streams.wire.records import Record
from streams.wire.topics import INTERACTIONS, ITEMS, PRIVACY, UPLOADS

#: What apps write, by the short name of its topic.
KINDS: Final[dict[str, type[Event]]] = {
    INTERACTIONS.name: Interaction,
    UPLOADS.name: Upload,
    ITEMS.name: ItemChange,
    PRIVACY.name: PrivacyRequest,
}
_TOPICS: Final = {kind: topic for topic, kind in KINDS.items()}
#: Names that a log line has at most, and their characters.
_NAMES_LOGGED, _NAME_LOGGED = 8, 64

_log_limiter = Seldom(60.0)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def unknown_fields(value: bytes | None, kind: type[Event]) -> list[str]:
    """The names of an event's fields that its kind does not have; none for what is not a JSON object."""
    try:
        fields = _object.decode(value or b"")
        if "specversion" in fields and "data" in fields:
            fields = _object.decode(fields["data"])
    except UNREADABLE:
        return []
    return sorted(fields.keys() - _known(kind))


def note_unknown_fields(record: Record, kind: type[Event]) -> list[str]:
    """Count the unknown fields of an event, log some, and return their names."""
    names = unknown_fields(record.value, kind)
    if names:
        topic = _TOPICS[kind]
        UNKNOWN_FIELDS.labels(topic).inc(len(names))
        left_out = _log_limiter.left_out(topic)
        if left_out is not None:
            shown = [name[:_NAME_LOGGED] for name in names[:_NAMES_LOGGED]]
            log.warning("unknown_fields", topic=topic, fields=shown, count=len(names), left_out=left_out)
    return names


@cache
def _known(kind: type[Event]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))
