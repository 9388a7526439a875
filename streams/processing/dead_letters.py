"""What becomes of a message that can never be used: kept whole, with the reason, in its own topic."""

from msgspec.structs import replace

from streams.errors import InvalidEvent
from streams.logs import Seldom, log
from streams.metrics import DEAD_LETTERS, EVENTS
from streams.wire.events import DeadLetter, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import DEAD_LETTERS as TOPIC

_ERROR_LIMIT = 2048
#: Our ids have at most 512 bytes; a longer key stands in the letter, and twice it could exceed the topic's limit.
_KEY_LIMIT = 1024
#: The header of a letter that was sent back: which attempt this is (streams/processing/redrive.py).
ATTEMPT = "sightline-attempt"
_ATTEMPTS_LIMIT = 1_000_000
#: What the topic takes, but for the message's own key and what Kafka puts around it.
_LETTER_LIMIT = int(TOPIC.config["max.message.bytes"]) - 2 * _KEY_LIMIT
_VALUE_KEPT = 2 << 20
_KEY_KEPT = 64 << 10
#: Begins, in the error of a letter that lacks part of its message, what follows the reason.
CUT = " (cut to fit: "

#: One line a topic and reason in so many seconds: a thousand in a row say no more than one, and the metric counts them.
_seldom = Seldom(10.0)


def dead_letter(record: Record, error: InvalidEvent, *, namespace: Namespace) -> Message:
    """The dead letter of a record; counted and, now and then, logged (never the content, which may be personal)."""
    DEAD_LETTERS.labels(error.reason).inc()
    EVENTS.labels(namespace.short_name(record.topic), "unknown", "dead_letter").inc()
    left_out = _seldom.left_out(record.topic, error.reason)
    if left_out is not None:
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.warning("dead_letter", reason=error.reason, **place, left_out=left_out)
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
    key = None if record.key is None else record.key[:_KEY_LIMIT]
    content = encode(letter)
    return Message(namespace.topic(TOPIC), key, content if len(content) <= _LETTER_LIMIT else _cut(letter))


def _cut(letter: DeadLetter) -> bytes:
    """As much of a letter as the topic takes: what came here compressed, or what JSON escapes, may be larger than it.

    No message that could ever be used is cut: it would be within the limits of streams/wire/parsing.py.
    """
    value = None if letter.value is None else letter.value[:_VALUE_KEPT]
    key = None if letter.key is None else letter.key[:_KEY_KEPT]
    sizes = f"{len(letter.key or b'')} bytes of key, {len(letter.value or b'')} of value, {len(letter.headers)} headers"
    error = f"{letter.error}{CUT}the message had {sizes})"
    left = replace(letter, error=error, key=key, value=value, headers=[])
    room = _LETTER_LIMIT - len(encode(left))
    for header in letter.headers:
        room -= len(encode(header)) + 1
        if room < 0:
            break
        left.headers.append(header)
    return encode(left)


def _attempt(record: Record) -> int:
    header = dict(record.headers).get(ATTEMPT) or b""
    return min(max(int(header), 1), _ATTEMPTS_LIMIT) if header.isdigit() and len(header) < 10 else 1
