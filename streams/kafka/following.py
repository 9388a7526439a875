"""aiokafka's consumer from its start to its end: no connection is left open, whenever it is stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer

#: The longest wait for a start that is under way when its consumer is to stop. Kafka may be away meanwhile.
_PATIENCE_S: Final = 3.0


@asynccontextmanager
async def started(consumer: AIOKafkaConsumer) -> AsyncIterator[AIOKafkaConsumer]:
    """Start a consumer, and stop it in the end; raises KafkaError.

    aiokafka forgets the connection that it is about to make if its start is cancelled. So the start goes on until it is
    done, and the consumer is stopped then.
    """
    starting = asyncio.create_task(consumer.start(), name="start of a consumer")
    try:
        await asyncio.shield(starting)
        yield consumer
    finally:
        await asyncio.wait({starting}, timeout=_PATIENCE_S)
        starting.cancel()
        await asyncio.wait({starting})
        # An error of a start that nobody waits for any more is no news.
        _ = starting.cancelled() or starting.exception()
        await consumer.stop()
