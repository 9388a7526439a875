"""Writes and reads dead letters: what can never be used, or never be published, is kept with its reason in a topic."""

import time

import msgspec
from msgspec.structs import replace

from sightline_client.parsing import UNREADABLE
from streams.errors import InvalidEvent, NothingSaid
from streams.kafka.publish_errors import Refused
from streams.logs import Seldom, log
from streams.metrics import DEAD_LETTERS, EVENTS
from streams.wire.events import DeadLetter, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import DEAD_LETTERS as TOPIC
from streams.wire.topics import EXPORTS

_ERROR_LIMIT = 2048
#: Maximum size of a dead letter's Kafka key, in bytes. Sightline's ids have at most 512 bytes. A longer key is in the
#: letter anyway, and a second copy could exceed the topic's limit.
_KEY_LIMIT = 1024
#: The header of a redriven message: the number of this attempt (streams/processing/redrive.py).
ATTEMPT = "sightline-attempt"
_ATTEMPTS_LIMIT = 1_000_000
#: The topic's maximum message size, minus room for the message's key and Kafka's own overhead.
_LETTER_LIMIT = int(TOPIC.config["max.message.bytes"]) - 2 * _KEY_LIMIT
_VALUE_KEPT = 2 << 20
_KEY_KEPT = 64 << 10
#: Follows the reason in the error of a letter that lacks part of its message.
CUT = " (cut to fit: "

#: One log line per topic and reason in 10 s: a thousand equal lines say no more than one, and the metric counts them.
_log_limiter = Seldom(10.0)
_decode = msgspec.json.Decoder(DeadLetter).decode


def set_aside(record: Record, error: InvalidEvent, *, namespace: Namespace) -> list[Message]:
    """The dead letter of a record that cannot be used; none for one that says nothing, which is only counted."""
    if not isinstance(error, NothingSaid):
        return [dead_letter(record, error, namespace=namespace)]
    EVENTS.labels(namespace.short_name(record.topic), "unknown", error.reason).inc()
    return []


def dead_letter(record: Record, error: InvalidEvent, *, namespace: Namespace) -> Message:
    """Make and count the dead letter of a record. Some are logged, but never the content, which may be personal."""
    DEAD_LETTERS.labels(error.reason).inc()
    EVENTS.labels(namespace.short_name(record.topic), "unknown", "dead_letter").inc()
    left_out = _log_limiter.left_out(record.topic, error.reason)
    if left_out is not None:
        position = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.warning("dead_letter", reason=error.reason, **position, left_out=left_out)
    letter = DeadLetter(
        reason=error.reason,
        error=str(error)[:_ERROR_LIMIT],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        attempts=_attempt(record),
        key=record.key,
        value=record.value,
        headers=[(name, header or b"") for name, header in record.headers],
    )
    return _to_message(letter, namespace)


def unpublishable(refused: Refused, *, namespace: Namespace) -> Message:
    """Make and count the dead letter of a message of ours that Kafka refuses for good.

    It never had a place in its topic: the offset is -1, and the partition too, unless the message named one. An export
    is left out, since a dead letter outlives the user's next request to forget.
    """
    message, reason = refused.message, refused.meaning.reason
    DEAD_LETTERS.labels(reason).inc()
    topic = namespace.short_name(message.topic)
    left_out = _log_limiter.left_out(topic, reason)
    if left_out is not None:
        log.error("unpublishable", reason=reason, error=str(refused), remedy=refused.meaning.remedy, left_out=left_out)
    is_kept = topic != EXPORTS.name
    letter = DeadLetter(
        reason=reason,
        error=str(refused) if is_kept else f"{refused}{CUT}an export is not kept here, and can be asked for again)",
        topic=message.topic,
        partition=-1 if message.partition is None else message.partition,
        offset=-1,
        timestamp_ms=time.time_ns() // 1_000_000,
        attempts=1,
        key=message.key,
        value=message.value if is_kept else None,
        headers=list(message.headers),
    )
    return _to_message(letter, namespace)


def shorter(message: Message) -> Message | None:
    """A dead letter with a quarter of its content, for a topic that takes less than it should; None if nothing is left.

    The place of the original, and the reason, stay.
    """
    letter = read_letter(message.value)
    if letter is None or not (letter.value or letter.headers or len(letter.key or b"") > _KEY_LIMIT):
        return None
    kept = len(letter.value or b"") // 4
    value = None if letter.value is None else letter.value[:kept]
    key = None if letter.key is None else letter.key[:_KEY_LIMIT]
    cut = replace(letter, error=_with_sizes(letter), key=key, value=value, headers=[])
    return Message(message.topic, message.key, encode(cut), partition=message.partition)


def _to_message(letter: DeadLetter, namespace: Namespace) -> Message:
    key = None if letter.key is None else letter.key[:_KEY_LIMIT]
    content = encode(letter)
    return Message(namespace.topic(TOPIC), key, content if len(content) <= _LETTER_LIMIT else _cut(letter))


def read_letter(value: bytes | None) -> DeadLetter | None:
    """Read the value of a record of dead-letters; None if it is no letter."""
    try:
        return _decode(value or b"")
    except UNREADABLE:
        return None


def _cut(letter: DeadLetter) -> bytes:
    """Shorten a letter to the topic's limit: a message may exceed it after decompression or JSON escaping.

    A message that could ever be used is never cut, because it is within the limits of streams/wire/parsing.py.
    """
    value = None if letter.value is None else letter.value[:_VALUE_KEPT]
    key = None if letter.key is None else letter.key[:_KEY_KEPT]
    shortened = replace(letter, error=_with_sizes(letter), key=key, value=value, headers=[])
    bytes_left = _LETTER_LIMIT - len(encode(shortened))
    for header in letter.headers:
        bytes_left -= len(encode(header)) + 1
        if bytes_left < 0:
            break
        shortened.headers.append(header)
    return encode(shortened)


def _with_sizes(letter: DeadLetter) -> str:
    """The error of a letter that is cut: it says once how large the message was."""
    if CUT in letter.error:
        return letter.error
    sizes = f"{len(letter.key or b'')} bytes of key, {len(letter.value or b'')} of value, {len(letter.headers)} headers"
    return f"{letter.error}{CUT}the message had {sizes})"


def _attempt(record: Record) -> int:
    header = dict(record.headers).get(ATTEMPT) or b""
    return min(max(int(header), 1), _ATTEMPTS_LIMIT) if header.isdigit() and len(header) < 10 else 1
