"""Redrives dead letters for an operator: reads them, selects some, and sends them back to their source topics.

Each letter that was sent back gets a note in its own partition: a record without value, whose header
`sightline-retried` holds the letter's offset. The note is kept longer than the letter, so no letter is sent twice
unless the operator asks for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from streams.errors import NoSuchLetter
from streams.kafka.log_reader import LogReader
from streams.kafka.publish_errors import MessagesRefused, Scope
from streams.kafka.publisher import Publisher
from streams.processing.dead_letters import ATTEMPT, CUT, read_letter
from streams.wire.events import DeadLetter
from streams.wire.namespace import Namespace
from streams.wire.parsing import NOT_UNPACKED
from streams.wire.records import Message, Record
from streams.wire.topics import DEAD_LETTERS, INTERACTIONS, ITEMS, PRIVACY, RECEIPTS, SIGNALS, UPLOADS
from streams.wire.upload_header import UPLOAD

RETRIED = "sightline-retried"
LETTER = "sightline-letter"
#: Lists and catalogue records that Kafka refused are not sent again: newer ones have followed.
SOURCES = (INTERACTIONS, UPLOADS, ITEMS, PRIVACY, SIGNALS, RECEIPTS)
#: Headers that do not hold for the message that is sent back. It comes after later uploads of its user, so their place
#: would pass for its own, and it would count as applied before; its event_id tells whether it was.
_DROPPED = (ATTEMPT, LETTER, UPLOAD)
#: A batch is sent first and noted afterwards. After a crash in between, at most one batch is sent twice.
BATCH_LETTERS = 100
BATCH_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter and its position; `at_ms` is when it was written."""

    partition: int
    offset: int
    at_ms: int
    letter: DeadLetter

    @property
    def address(self) -> str:
        """The letter's PARTITION-OFFSET, the argument of `sightline dead-letters show`."""
        return f"{self.partition}-{self.offset}"

    @property
    def is_whole(self) -> bool:
        """Whether the letter holds its whole message."""
        is_packed_batch = any(name == NOT_UNPACKED for name, _ in self.letter.headers)
        return CUT not in self.letter.error and not is_packed_batch


@dataclass(frozen=True, slots=True)
class Choice:
    """Selects letters by reason, source topic (without namespace) and earliest time. None matches any."""

    reason: str | None = None
    topic: str | None = None
    since_ms: int | None = None


@dataclass(slots=True)
class Retried:
    """Counts of the chosen letters by outcome.

    `earlier` were sent back before, `foreign` come from a topic outside this app, `cut` lack part of their message,
    `refused` are messages that Kafka does not take, such as one that is larger than its topic takes.
    """

    sent: int = 0
    earlier: int = 0
    foreign: int = 0
    cut: int = 0
    refused: int = 0


class Letters:
    """A snapshot of the topic at construction time: letters that are written later are not in it."""

    def __init__(self, log: LogReader, *, namespace: Namespace, partitions: int) -> None:
        self._log = log
        self._namespace = namespace
        self._topic = namespace.topic(DEAD_LETTERS)
        self._extents = {partition: log.extent(self._topic, partition) for partition in range(partitions)}

    def choose(self, choice: Choice) -> Iterator[Found]:
        """Yield the chosen letters by partition, oldest first; records that are no letters are skipped."""
        for record in self._records(choice.since_ms):
            found = _parse_letter(record)
            if found is not None and self._is_chosen(found, choice):
                yield found

    def retried(self, since_ms: int | None = None) -> set[str]:
        """Return the addresses of letters that were sent back, from notes not older than `since_ms`."""
        return {
            f"{record.partition}-{value.decode(errors='replace')}"
            for record in self._records(since_ms)
            for name, value in record.headers
            if record.value is None and name == RETRIED
        }

    def find(self, address: str) -> Found:
        """Return the letter at an address; raises NoSuchLetter."""
        partition, _, offset = address.partition("-")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise NoSuchLetter(f"{address!r} is not a letter's address: the form is PARTITION-OFFSET, such as 3-71")
        extent = self._extents.get(int(partition))
        if extent is not None and extent.first <= int(offset) < extent.end:
            for record in self._log.read(self._topic, int(partition), int(offset), int(offset) + 1):
                found = _parse_letter(record)
                if found is not None:
                    return found
        raise NoSuchLetter(f"there is no dead letter {address}: `sightline dead-letters list` shows what is kept")

    def source(self, found: Found) -> str | None:
        """Return the short name of a letter's source topic; None if the topic is not one of SOURCES."""
        name = self._namespace.short_name(found.letter.topic)
        source_names = {topic.name for topic in SOURCES}
        return name if self._namespace.has(found.letter.topic) and name in source_names else None

    def _is_chosen(self, found: Found, choice: Choice) -> bool:
        return (
            (choice.reason is None or found.letter.reason == choice.reason)
            and (choice.topic is None or found.letter.topic == self._namespace.named(choice.topic))
            and (choice.since_ms is None or found.at_ms >= choice.since_ms)
        )

    def _records(self, since_ms: int | None) -> Iterator[Record]:
        for partition, extent in self._extents.items():
            first = extent.first
            if since_ms is not None:
                first = max(first, self._log.offset_at(self._topic, partition, since_ms))
            yield from self._log.read(self._topic, partition, first, extent.end)


async def retry(
    letters: Letters,
    choice: Choice,
    publisher: Publisher,
    *,
    namespace: Namespace,
    limit: int | None = None,
    again: bool = False,
    progress: Callable[[Retried], None] = lambda _: None,
) -> Retried:
    """Send the chosen letters back to their topics, `limit` at most.

    Letters sent back before are sent only with `again`; cut letters are never sent. Each letter is sent at least once:
    after a crash the letters of the last batch may be sent twice.
    """
    already_sent = set() if again else letters.retried(choice.since_ms)
    done = Retried()
    batch: list[Found] = []
    for found in letters.choose(choice):
        if letters.source(found) is None:
            done.foreign += 1
        elif not found.is_whole:
            done.cut += 1
        elif found.address in already_sent:
            done.earlier += 1
        else:
            batch.append(found)
        full = limit is not None and done.sent + len(batch) >= limit
        if full or len(batch) >= BATCH_LETTERS or sum(len(each.letter.value or b"") for each in batch) >= BATCH_BYTES:
            await _send(batch, publisher, namespace, done)
            batch = []
            progress(done)
        if full:
            return done
    await _send(batch, publisher, namespace, done)
    return done


async def _send(batch: list[Found], publisher: Publisher, namespace: Namespace, done: Retried) -> None:
    originals = [_original(found, namespace) for found in batch]
    refused = await _publish_what_is_taken(originals, publisher)
    sent = [found for found, original in zip(batch, originals, strict=True) if id(original) not in refused]
    await publisher.publish([_retry_note(found, namespace) for found in sent])
    done.sent += len(sent)
    done.refused += len(refused)


async def _publish_what_is_taken(messages: Sequence[Message], publisher: Publisher) -> set[int]:
    """Publish messages; return the `id` of those that Kafka will never take. Raises PublishFailed for other errors."""
    refused = set[int]()
    try:
        await publisher.publish(messages)
    except MessagesRefused as failed:
        for message, _ in chain.from_iterable(failed.to_send_again().values()):
            try:
                await publisher.publish([message])
            except MessagesRefused as alone:
                if alone.refused[0].meaning.scope is not Scope.MESSAGE:
                    raise
                refused.add(id(message))
    return refused


def _original(found: Found, namespace: Namespace) -> Message:
    """The original message without _DROPPED headers, and with the number of this attempt and the letter's address."""
    letter = found.letter
    headers = tuple(header for header in letter.headers if header[0] not in _DROPPED)
    added = ((ATTEMPT, str(letter.attempts + 1).encode()), (LETTER, found.address.encode()))
    # Only signals keep their partition: it follows from the item inside. Other messages are partitioned by key.
    partition = letter.partition if letter.topic == namespace.topic(SIGNALS) else None
    return Message(letter.topic, letter.key, letter.value, (*headers, *added), partition)


def _retry_note(found: Found, namespace: Namespace) -> Message:
    headers = ((RETRIED, str(found.offset).encode()),)
    return Message(namespace.topic(DEAD_LETTERS), None, None, headers, found.partition)


def _parse_letter(record: Record) -> Found | None:
    letter = read_letter(record.value)
    return None if letter is None else Found(record.partition, record.offset, record.timestamp_ms, letter)
