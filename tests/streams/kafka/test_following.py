"""Consumers that are stopped while they start, or never start."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.kafka.following import started


class Consumer:
    """What `started` uses of aiokafka's consumer."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_start, self.error = asyncio.Event(), error
        self.said: list[str] = []

    async def start(self) -> None:
        await self.may_start.wait()
        if self.error is not None:
            raise self.error
        self.said.append("started")

    async def stop(self) -> None:
        self.said.append("stopped")


async def _use(consumer: Consumer) -> None:
    async with started(consumer):
        consumer.said.append("used")


async def test_a_consumer_that_is_cancelled_while_it_starts_is_stopped_after_its_start() -> None:
    consumer = Consumer()
    using = asyncio.create_task(_use(consumer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    using.cancel()
    await asyncio.sleep(0)
    consumer.may_start.set()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert consumer.said == ["started", "stopped"]


async def test_a_start_that_fails_is_raised_and_stopped() -> None:
    consumer = Consumer(KafkaConnectionError("away"))
    consumer.may_start.set()
    with pytest.raises(KafkaConnectionError):
        await _use(consumer)
    assert consumer.said == ["stopped"]


async def test_a_start_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.following._PATIENCE_S", 0.01)
    consumer = Consumer()
    using = asyncio.create_task(_use(consumer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert consumer.said == ["stopped"]
