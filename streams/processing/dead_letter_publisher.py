"""The workers' publisher: what Kafka refuses for good becomes a dead letter, all else is served (docs/adr/0017)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from streams.kafka.publish_errors import REASONS, MessagesRefused, Refused, Scope
from streams.kafka.publisher import Publisher
from streams.logs import Seldom, log
from streams.metrics import DEAD_LETTERS as LETTERS_COUNT
from streams.metrics import DEAD_LETTERS_LOST, STEPS, TOPIC_REFUSED
from streams.processing.dead_letters import read_letter, shorter, unpublishable
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from streams.wire.topics import DEAD_LETTERS, NEVER_AWAITED
from streams.wire.topics import STEPS as STEPS_TOPIC

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0


@dataclass(slots=True)
class _Line:
    """The calls that wait to send to one topic, in order, while messages to it are sent again."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    calls: int = 0


class DeadLetterPublisher:
    """A Publisher that never gives up, and that no single message holds up.

    A message that Kafka will never accept becomes a dead letter. A topic that is missing or forbidden makes its
    messages wait, as an unavailable broker does, and `problems` says so; other topics go on. Only answers to single
    users, steps, and dead letters themselves, do not wait for their topic: nobody else's events are to wait with them.
    Steps that cannot be published are no dead letters: they are dropped, and counted.
    """

    def __init__(self, publisher: Publisher, *, namespace: Namespace, first_wait_s: float = FIRST_WAIT_S) -> None:
        self._publisher = publisher
        self._namespace = namespace
        self._first_wait_s = first_wait_s
        self._letters, self._steps = namespace.topic(DEAD_LETTERS), namespace.topic(STEPS_TOPIC)
        #: The topics that nobody else's events wait for, by name on the broker.
        self.never_awaited = frozenset(map(namespace.topic, NEVER_AWAITED))
        self._lines: dict[str, _Line] = {}
        self._problems: dict[str, str] = {}
        self._seldom = Seldom(10.0)
        for reason in REASONS:
            # A counter that begins with its first error would not show an increase.
            LETTERS_COUNT.labels(reason)
            DEAD_LETTERS_LOST.labels(reason)

    def publish(self, messages: Sequence[Message]) -> Awaitable[None]:
        """See Publisher; raises PublishFailed only when this process can publish nothing any more."""
        if self._lines:
            return self._publish_in_turn(messages)
        return self._complete(self._publisher.publish(messages))

    async def try_publish(self, messages: Sequence[Message]) -> int:
        """Publish what may be lost, and return how many messages Kafka refused: nothing waits for their topic."""
        try:
            await self._publisher.publish(messages)
        except MessagesRefused as failed:
            return len(failed.refused)
        return 0

    @property
    def waits(self) -> bool:
        """Whether messages are being sent again."""
        return bool(self._lines)

    @property
    def problems(self) -> list[str]:
        """Why messages wait for an operator, one reason for each topic."""
        return list(self._problems.values())

    async def _complete(self, sent: Awaitable[None]) -> None:
        try:
            await sent
        except MessagesRefused as failed:
            again = failed.to_send_again()
            await asyncio.gather(*(self._send_again(topic, each) for topic, each in again.items()))

    async def _publish_in_turn(self, messages: Sequence[Message]) -> None:
        """Publish behind what is being sent again to the same topics."""
        others = [message for message in messages if message.topic not in self._lines]
        waiting: dict[str, list[Message]] = {}
        for message in messages:
            if message.topic in self._lines:
                waiting.setdefault(message.topic, []).append(message)
        await asyncio.gather(
            self._complete(self._publisher.publish(others)),
            *(self._send_in_turn(topic, each) for topic, each in waiting.items()),
        )

    async def _send_in_turn(self, topic: str, messages: Sequence[Message]) -> None:
        async with self._in_line(topic):
            try:
                await self._publisher.publish(messages)
            except MessagesRefused as failed:
                for message, refused in failed.to_send_again()[topic]:
                    await self._send_alone(message, refused)

    async def _send_again(self, topic: str, messages: Sequence[tuple[Message, Refused | None]]) -> None:
        async with self._in_line(topic):
            for message, refused in messages:
                await self._send_alone(message, refused)

    @asynccontextmanager
    async def _in_line(self, topic: str) -> AsyncIterator[None]:
        line = self._lines.setdefault(topic, _Line())
        line.calls += 1
        try:
            async with line.lock:
                yield
        finally:
            line.calls -= 1
            if not line.calls:
                del self._lines[topic]

    async def _send_alone(self, message: Message, refused: Refused | None = None) -> None:
        """Send until Kafka takes the message, or it is a dead letter; `refused` is how it was refused in its batch."""
        wait_s = self._first_wait_s
        # A batch is refused as a whole: what its error says of one message is sure only once that was sent alone.
        if refused is not None and refused.meaning.scope is not Scope.MESSAGE and await self._is_settled(refused):
            return
        while True:
            try:
                await self._publisher.publish([message])
            except MessagesRefused as failed:
                if await self._is_settled(failed.refused[0]):
                    return
            else:
                self._accepted(message.topic)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _is_settled(self, refused: Refused) -> bool:
        """Do what the refusal of a message asks for; return False if the message is to be sent again."""
        topic, meaning = refused.message.topic, refused.meaning
        if meaning.scope is Scope.PRODUCER:
            raise MessagesRefused([refused.message], [refused])
        if meaning.scope is Scope.MESSAGE or (meaning.scope is Scope.TOPIC and topic in self.never_awaited):
            await self._give_up(refused)
            return True
        self._wait_for(refused)
        return False

    async def _give_up(self, refused: Refused) -> None:
        if refused.message.topic == self._steps:
            self._drop(refused)
        elif refused.message.topic != self._letters:
            await self._send_alone(unpublishable(refused, namespace=self._namespace))
        elif refused.meaning.scope is Scope.MESSAGE and (cut := shorter(refused.message)) is not None:
            await self._send_alone(cut)
        else:
            _lose(refused)

    def _drop(self, refused: Refused) -> None:
        """Count steps that cannot be published: a letter for each commit would help nobody, and keep what users did."""
        STEPS.labels("lost").inc()
        left_out = self._seldom.left_out(refused.message.topic, refused.meaning.reason)
        if left_out is not None:
            log.error("steps_lost", error=str(refused), remedy=refused.meaning.remedy, left_out=left_out)

    def _wait_for(self, refused: Refused) -> None:
        topic, meaning = self._namespace.short_name(refused.message.topic), refused.meaning
        if meaning.scope is Scope.TOPIC:
            self._problems[refused.message.topic] = f"{refused}: {meaning.remedy}"
            TOPIC_REFUSED.labels(topic).set(1)
        left_out = self._seldom.left_out(topic, meaning.reason)
        if left_out is not None:
            log.error("publishing_waits", error=str(refused), remedy=meaning.remedy, left_out=left_out)

    def _accepted(self, topic: str) -> None:
        if self._problems.pop(topic, None) is not None:
            TOPIC_REFUSED.labels(self._namespace.short_name(topic)).set(0)
            log.info("publishing_goes_on", topic=topic)


def _lose(refused: Refused) -> None:
    """Say where the original of a dead letter lies that cannot be written: it stays in its topic for some days."""
    letter = read_letter(refused.message.value)
    place: Mapping[str, object] = {}
    if letter is not None:
        place = {"topic": letter.topic, "partition": letter.partition, "offset": letter.offset, "reason": letter.reason}
    DEAD_LETTERS_LOST.labels(refused.meaning.reason).inc()
    log.error("dead_letter_lost", error=str(refused), remedy=refused.meaning.remedy, **place)
