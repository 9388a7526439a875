"""What each error of Kafka says about a message: refused for good, or to be sent again (docs/adr/0017)."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from confluent_kafka import KafkaError

from streams.errors import PublishFailed
from streams.wire.records import Message


class Scope(Enum):
    """How much an error is about."""

    #: This message will never be accepted; others of its topic are.
    MESSAGE = "message"
    #: No message of the topic is accepted until an operator acts.
    TOPIC = "topic"
    #: This producer sends nothing any more: only a new process helps.
    PRODUCER = "producer"
    #: The same message may be accepted later.
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The meaning of an error: `reason` is a label of metrics and dead letters, `remedy` says what to do."""

    scope: Scope
    reason: str
    remedy: str


_TOO_LARGE: Final = Refusal(
    Scope.MESSAGE,
    "unpublishable_too_large",
    "raise max.message.bytes of the topic: 1 MiB is enough for each, 3 MiB for dead-letters",
)
_INVALID: Final = Refusal(
    Scope.MESSAGE, "unpublishable_invalid", "compare the topic's settings with `sightline topics check`"
)
_POLICY: Final = Refusal(
    Scope.MESSAGE, "unpublishable_policy", "ask who runs Kafka which policy or validation refuses the message"
)
_FAILED: Final = Refusal(Scope.MESSAGE, "unpublishable_error", "look into the broker's log: it failed on this message")
_NO_TOPIC: Final = Refusal(Scope.TOPIC, "unpublishable_no_topic", "run `sightline topics create`")
_NO_PARTITION: Final = Refusal(
    Scope.TOPIC,
    "unpublishable_no_partition",
    "give the topic as many partitions as SIGHTLINE_PARTITIONS says: `sightline topics check` compares them",
)
_FORBIDDEN: Final = Refusal(
    Scope.TOPIC, "unpublishable_forbidden", "let the workers' user write it: `sightline topics acls worker` lists how"
)
_BROKEN: Final = Refusal(
    Scope.PRODUCER,
    "unpublishable_fatal",
    "start the worker again; if it ends the same way, see `sightline topics acls`",
)
_UNAVAILABLE: Final = Refusal(Scope.UNAVAILABLE, "unavailable", "it is sent again until Kafka takes it")

#: An error that is not in this table counts as unavailable: to wait loses nothing.
_MEANINGS: Final[Mapping[int, Refusal]] = {
    KafkaError.MSG_SIZE_TOO_LARGE: _TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE: _TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE: _TOO_LARGE,
    KafkaError.INVALID_MSG: _INVALID,
    KafkaError.INVALID_RECORD: _INVALID,
    KafkaError.INVALID_TIMESTAMP: _INVALID,
    KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT: _INVALID,
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE: _INVALID,
    KafkaError._BAD_MSG: _INVALID,
    KafkaError._INVALID_ARG: _INVALID,
    KafkaError.POLICY_VIOLATION: _POLICY,
    KafkaError.UNKNOWN: _FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _NO_TOPIC,
    KafkaError.UNKNOWN_TOPIC_ID: _NO_TOPIC,
    KafkaError.TOPIC_EXCEPTION: _NO_TOPIC,
    KafkaError._UNKNOWN_TOPIC: _NO_TOPIC,
    KafkaError._UNKNOWN_PARTITION: _NO_PARTITION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _FORBIDDEN,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _BROKEN,
    KafkaError.UNSUPPORTED_VERSION: _BROKEN,
    KafkaError._FATAL: _BROKEN,
    KafkaError._PURGE_QUEUE: _BROKEN,
    KafkaError._PURGE_INFLIGHT: _BROKEN,
}


#: The reasons that a dead letter may have from here.
REASONS: Final = frozenset(each.reason for each in _MEANINGS.values() if each.scope in (Scope.MESSAGE, Scope.TOPIC))


def meaning_of(error: KafkaError) -> Refusal:
    """What an error says about the message that it came for."""
    return _BROKEN if error.fatal() else _MEANINGS.get(error.code(), _UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was not accepted, and Kafka's error."""

    message: Message
    error: KafkaError

    @property
    def meaning(self) -> Refusal:
        """What the error says."""
        meaning = meaning_of(self.error)
        # Of a topic that was deleted librdkafka first says that it has no partitions.
        return _NO_TOPIC if meaning is _NO_PARTITION and self.message.partition is None else meaning

    def __str__(self) -> str:
        size = len(self.message.value or b"")
        return f"Kafka refuses a message of {size} bytes to {self.message.topic!r}: {self.error.str()}"


class MessagesRefused(PublishFailed):
    """Some messages of one call were not accepted; all others were."""

    def __init__(self, messages: Sequence[Message], refused: Sequence[Refused]) -> None:
        super().__init__(f"{refused[0]}: {refused[0].meaning.remedy}")
        self.refused = refused
        self._messages = messages

    def to_send_again(self) -> dict[str, list[tuple[Message, Refused | None]]]:
        """By topic and in order: what was refused, and later messages with its key, so that the last one stays last.

        Kafka refuses a batch as a whole, so most of these messages may be accepted alone.
        """
        errors = {id(each.message): each for each in self.refused}
        keys = set[tuple[str, bytes | None]]()
        found: dict[str, list[tuple[Message, Refused | None]]] = {}
        for message in self._messages:
            refused = errors.get(id(message))
            if refused is not None:
                keys.add((message.topic, message.key))
            if (message.topic, message.key) in keys:
                found.setdefault(message.topic, []).append((message, refused))
        return found


def refused_among(messages: Sequence[Message], reports: Iterable[tuple[KafkaError, Any]]) -> list[Refused]:
    """Find the messages that delivery reports of failures are about: confluent-kafka's messages, or our own.

    Messages are compared by topic, key and value, since a note of its own for each message would slow down all others.
    """
    unclaimed = defaultdict[tuple[str, bytes, bytes], deque[Message]](deque)
    for message in messages:
        unclaimed[message.topic, message.key or b"", message.value or b""].append(message)
    found = []
    for error, report in reports:
        place = (
            (report.topic, report.key or b"", report.value or b"")
            if isinstance(report, Message)
            else (report.topic(), report.key() or b"", report.value() or b"")
        )
        found.append(Refused(unclaimed[place].popleft(), error))
    return found
