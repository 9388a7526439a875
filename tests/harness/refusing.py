"""A publisher that keeps messages and refuses some of them, as Kafka does."""

from collections.abc import Sequence

from confluent_kafka import KafkaError

from streams.kafka.publish_errors import MessagesRefused, Refused
from streams.wire.records import Message
from tests.harness.fakes import FakePublisher

TOO_LARGE = KafkaError.MSG_SIZE_TOO_LARGE


class RefusingPublisher(FakePublisher):
    """Keeps the contract of Publisher. The messages of one call and topic are one batch, which Kafka takes or refuses.

    `limits` are the bytes that a batch of a topic may have, `errors` the codes with which a topic refuses all of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[str, int] = {}
        self.errors: dict[str, int] = {}

    async def publish(self, messages: Sequence[Message]) -> None:
        refused: list[Refused] = []
        for topic in dict.fromkeys(message.topic for message in messages):
            batch = [message for message in messages if message.topic == topic]
            code = self._code(topic, batch)
            if code is None:
                await super().publish(batch)
            else:
                refused += [Refused(message, KafkaError(code)) for message in batch]
        if refused:
            raise MessagesRefused(messages, refused)

    def _code(self, topic: str, batch: Sequence[Message]) -> int | None:
        size = sum(len(message.value or b"") for message in batch)
        return TOO_LARGE if size > self.limits.get(topic, size) else self.errors.get(topic)
