"""Fields of events that this release does not know: they are ignored, but counted, and some are logged by name.

A misspelt field would otherwise change nothing, and nobody would hear of it.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from typing import Any, Final

import msgspec

from streams.errors import InvalidEvent
from streams.logs import Seldom, log
from streams.metrics import UNKNOWN_FIELDS
from streams.wire.events import Event, Interaction, ItemChange, PrivacyRequest, Upload
from streams.wire.item_changes import change_of
from streams.wire.parsing import own_fields
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
#: Names that one line shows at most, and their characters.
NAMES_SHOWN, NAME_SHOWN = 8, 64

_log_limiter = Seldom(60.0)


def unknown_fields(record: Record, kind: type[Event]) -> list[str]:
    """The names of an event's own fields that its kind does not have; none where no event can be found."""
    try:
        return unknown_names(own_fields(record, kind), kind)
    except InvalidEvent:
        return []


def unknown_names(fields: Iterable[str], kind: type[Event]) -> list[str]:
    """Those of these names of fields that an event of this kind does not have, in order."""
    return sorted(set(fields) - _known(kind))


def shown(names: Iterable[str]) -> list[str]:
    """The beginnings of the first few names, for a line that people read."""
    return [name[:NAME_SHOWN] for name in islice(names, NAMES_SHOWN)]


def note_unknown_fields(record: Record, kind: type[Event]) -> list[str]:
    """Count the unknown fields of an event, log some, and return their names."""
    names = unknown_fields(record, kind)
    if names:
        topic = _TOPICS[kind]
        UNKNOWN_FIELDS.labels(topic).inc(len(names))
        left_out = _log_limiter.left_out(topic)
        if left_out is not None:
            log.warning("unknown_fields", topic=topic, fields=shown(names), count=len(names), left_out=left_out)
    return names


def check_says(change: ItemChange, fields: Mapping[str, Any]) -> None:
    """Raise InvalidEvent for an item change, of these fields, that changes nothing: its publisher can still mend it."""
    if change_of(change, change.occurred_at_ms).says():
        return
    unknown = unknown_names(fields, ItemChange)
    nulls = [name for name, value in fields.items() if value is None]
    if nulls and not unknown:
        raise InvalidEvent("empty", f"an item change that says nothing: null for {_quoted(nulls)} takes nothing away")
    raise InvalidEvent(
        "unknown_field", f"an item change with no field that is known: it has {_quoted(unknown) or 'none'}"
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, shown(names)))


@cache
def _known(kind: type[Event]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))
