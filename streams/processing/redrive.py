"""The dead letters as an operator sees them: read, chosen, and sent back to where they came from.

A letter that was sent back is followed, in its own partition, by a note: a record without value, whose header
`sightline-retried` has the letter's offset. It is kept longer than its letter, so no letter is sent twice unasked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from streams.errors import NoSuchLetter
from streams.kafka.log_reader import LogReader
from streams.kafka.publisher import Publisher
from streams.processing.dead_letters import ATTEMPT, CUT
from streams.wire.events import DeadLetter
from streams.wire.namespace import Namespace
from streams.wire.parsing import NOT_UNPACKED
from streams.wire.records import Message, Record
from streams.wire.topics import DEAD_LETTERS, INTERACTIONS, ITEMS, PRIVACY, SIGNALS, UPLOADS

RETRIED = "sightline-retried"
LETTER = "sightline-letter"
SOURCES = (INTERACTIONS, UPLOADS, ITEMS, PRIVACY, SIGNALS)
#: What is sent before it is noted; after a crash in between, so much at most is sent twice.
BATCH_LETTERS = 100
BATCH_BYTES = 8 << 20

_decode = msgspec.json.Decoder(DeadLetter).decode


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter and where it lies; `at_ms` is when it was written."""

    partition: int
    offset: int
    at_ms: int
    letter: DeadLetter

    @property
    def address(self) -> str:
        """What `sightline dead-letters show` takes."""
        return f"{self.partition}-{self.offset}"

    @property
    def is_whole(self) -> bool:
        """Whether the letter holds all of its message."""
        stands_for_more = any(name == NOT_UNPACKED for name, _ in self.letter.headers)
        return CUT not in self.letter.error and not stands_for_more


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters: of one reason, from one topic (without namespace), not older than a time; None is any."""

    reason: str | None = None
    topic: str | None = None
    since_ms: int | None = None


@dataclass(slots=True)
class Retried:
    """What became of the letters chosen.

    `earlier` were sent back before, `foreign` come from no topic of ours, `cut` lack part of their message.
    """

    sent: int = 0
    earlier: int = 0
    foreign: int = 0
    cut: int = 0


class Letters:
    """The topic as it was when this was made: what is refused again meanwhile is not in it."""

    def __init__(self, log: LogReader, *, namespace: Namespace, partitions: int) -> None:
        self._log = log
        self._namespace = namespace
        self._topic = namespace.topic(DEAD_LETTERS)
        self._extents = {partition: log.extent(self._topic, partition) for partition in range(partitions)}

    def choose(self, choice: Choice) -> Iterator[Found]:
        """The letters chosen, one partition after the other, oldest first; records that are none are left out."""
        for record in self._records(choice.since_ms):
            found = _found(record)
            if found is not None and self._is_chosen(found, choice):
                yield found

    def retried(self, since_ms: int | None = None) -> set[str]:
        """The addresses of the letters that were sent back, of those not older than a time."""
        return {
            f"{record.partition}-{value.decode(errors='replace')}"
            for record in self._records(since_ms)
            for name, value in record.headers
            if record.value is None and name == RETRIED
        }

    def find(self, address: str) -> Found:
        """One letter; raises NoSuchLetter."""
        partition, _, offset = address.partition("-")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise NoSuchLetter(f"{address!r} is no letter's address: it is PARTITION-OFFSET, such as 3-71")
        extent = self._extents.get(int(partition))
        if extent is not None and extent.first <= int(offset) < extent.end:
            for record in self._log.read(self._topic, int(partition), int(offset), int(offset) + 1):
                found = _found(record)
                if found is not None:
                    return found
        raise NoSuchLetter(f"there is no dead letter {address}: `sightline dead-letters list` shows what is kept")

    def source(self, found: Found) -> str | None:
        """The short name of the topic that a letter came from; None for one that is not ours."""
        name = self._namespace.short_name(found.letter.topic)
        ours = {topic.name for topic in SOURCES}
        return name if self._namespace.has(found.letter.topic) and name in ours else None

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
    """Send the letters chosen back to their topics, up to `limit`; those sent back before only `again`, cut ones never.

    Each is sent at least once: after a crash the letters of the last batch may be sent twice.
    """
    before = set() if again else letters.retried(choice.since_ms)
    done = Retried()
    batch: list[Found] = []
    for found in letters.choose(choice):
        if letters.source(found) is None:
            done.foreign += 1
        elif not found.is_whole:
            done.cut += 1
        elif found.address in before:
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
    await publisher.publish([_original(found, namespace) for found in batch])
    await publisher.publish([_note(found, namespace) for found in batch])
    done.sent += len(batch)


def _original(found: Found, namespace: Namespace) -> Message:
    """The message as it was, with the number of the attempt that this is, and its letter's address."""
    letter = found.letter
    headers = tuple(header for header in letter.headers if header[0] not in (ATTEMPT, LETTER))
    ours = ((ATTEMPT, str(letter.attempts + 1).encode()), (LETTER, found.address.encode()))
    # A signal's partition follows from the item within; anything else's from its key.
    partition = letter.partition if letter.topic == namespace.topic(SIGNALS) else None
    return Message(letter.topic, letter.key, letter.value, (*headers, *ours), partition)


def _note(found: Found, namespace: Namespace) -> Message:
    headers = ((RETRIED, str(found.offset).encode()),)
    return Message(namespace.topic(DEAD_LETTERS), None, None, headers, found.partition)


def _found(record: Record) -> Found | None:
    try:
        letter = _decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Found(record.partition, record.offset, record.timestamp_ms, letter)
