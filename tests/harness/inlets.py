"""A publisher for the web door that remembers where it put each message, and is away when the test says so."""

import asyncio
from collections.abc import Sequence

from sightline_client.routing import partition_of
from streams.kafka.publisher import Place
from streams.wire.records import Message
from tests.harness.fakes import NOON, FakePublisher

PARTITIONS = 4


class FakeKafka(FakePublisher):
    """Keeps the contract of PlacingPublisher: messages wait while it `is_away`, and arrive when it is back."""

    def __init__(self) -> None:
        super().__init__()
        self.back = asyncio.Event()
        self.back.set()

    async def publish(self, messages: Sequence[Message]) -> None:
        await self.back.wait()
        await super().publish(messages)

    async def place(self, message: Message) -> Place:
        """Where the message lies among those of its topic's partition."""
        await self.publish([message])
        partition = partition_of(message.key or b"", PARTITIONS)
        before = [each for each in self.to(message.topic) if partition_of(each.key or b"", PARTITIONS) == partition]
        return Place(partition, len(before) - 1, NOON)
