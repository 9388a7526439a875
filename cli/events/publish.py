"""What `sightline publish` does: it makes events of flags or JSON lines, and publishes them."""

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from cli.output import print_json, results
from deploy.local import Stack
from sightline_client.parsing import UNREADABLE, from_fields
from streams.client import EventPublisher
from streams.credentials import kafka_security
from streams.errors import InvalidEvent
from streams.processing.unknown_fields import check_says
from streams.pseudonyms import pseudonym_key
from streams.settings import read_settings
from streams.wire.events import SHOWN_BY, Interaction, ItemChange, Upload
from streams.wire.framing import BYTE_ORDER_MARK

LineEvent = Interaction | Upload | ItemChange


def publish_event(fields: dict[str, Any], as_json: bool) -> None:
    """Publish the event with these fields, and print where it lies; raises InvalidEvent."""
    _publish([to_event(fields)], as_json)


def publish_lines(file: BinaryIO, as_json: bool) -> None:
    """Publish the events of a file of JSON lines, and print where the last one lies; raises InvalidEvent."""
    _publish(read_lines(file), as_json)


def to_event(fields: dict[str, Any]) -> LineEvent:
    """An event of these fields; a missing id is generated, a missing time is now. Raises InvalidEvent."""
    whole = {"event_id": uuid.uuid4().hex, "occurred_at_ms": time.time_ns() // 1_000_000, **fields}
    if "type" in fields:
        return from_fields(whole, Interaction)
    if not fields.keys().isdisjoint(SHOWN_BY):
        return from_fields(whole, Upload)
    change = from_fields(whole, ItemChange)
    check_says(change, whole)
    return change


def read_lines(file: BinaryIO) -> Iterator[LineEvent]:
    """The events of a file of JSON lines without the empty lines; InvalidEvent names the line that is wrong."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield to_event(msgspec.json.decode(line.removeprefix(BYTE_ORDER_MARK), type=dict[str, Any]))
        except (*UNREADABLE, InvalidEvent) as error:
            raise InvalidEvent(
                "invalid_event", f"line {number} cannot be published, the {number - 1} lines before it are: {error}"
            ) from None


def _publish(events: Iterable[LineEvent], as_json: bool) -> None:
    settings = read_settings()
    with EventPublisher(
        Stack(settings).endpoints().kafka,
        prefix=settings.topic_prefix,
        security=kafka_security(settings),
        pseudonym_key=pseudonym_key(settings),
    ) as publisher:
        count, last = _publish_all(publisher, events)
    report = {"published": count, **last}
    if as_json:
        print_json(report)
    else:
        results().print(" ".join(f"{name}={value}" for name, value in report.items()), soft_wrap=True)


def _publish_all(publisher: EventPublisher, events: Iterable[LineEvent]) -> tuple[int, dict[str, Any]]:
    """The number of acknowledged events, and where the last one lies."""
    count, event, future = 0, None, None
    try:
        for count, event in enumerate(events, start=1):  # noqa: B007  both are used after the loop
            future = publisher.publish(event)
    finally:
        publisher.flush()
    if event is None or future is None:
        return 0, {}
    written = future.get(0)
    place = {"topic": written.topic, "partition": written.partition, "offset": written.offset}
    return count, {"event_id": event.event_id, **place}
