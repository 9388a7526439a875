"""What becomes of a message that can never be used: kept whole, with the reason, in its own topic."""

from streams.errors import InvalidEvent
from streams.events import DeadLetter, encode
from streams.logs import log
from streams.metrics import DEAD_LETTERS, EVENTS
from streams.output import Message
from streams.parsing import Record
from streams.topics import DEAD_LETTERS as TOPIC

_ERROR_LIMIT = 2048
#: Our ids have at most 512 bytes; a longer key stands in the letter, and twice it could exceed the topic's limit.
_KEY_LIMIT = 1024


def dead_letter(record: Record, error: InvalidEvent, *, prefix: str, attempts: int = 1) -> Message:
    """The dead letter of a record; counted and logged (never the content, which may be personal)."""
    DEAD_LETTERS.labels(error.reason).inc()
    EVENTS.labels(record.topic.removeprefix(prefix), "unknown", "dead_letter").inc()
    log.warning(
        "dead_letter",
        reason=error.reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )
    letter = DeadLetter(
        reason=error.reason,
        error=str(error)[:_ERROR_LIMIT],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        attempts=attempts,
        key=record.key,
        value=record.value,
        headers=list(record.headers),
    )
    key = None if record.key is None else record.key[:_KEY_LIMIT]
    return Message(prefix + TOPIC.name, key, encode(letter))
