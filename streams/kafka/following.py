"""aiokafka's consumer from its start to its end: no connection is left open, whenever it is stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer

from streams.credentials import PLAINTEXT, KafkaSecurity

#: Also the longest wait for a topic that does not exist.
TIMEOUT_MS: Final = 15_000
#: The longest wait for a start that is under way when its consumer is to stop. Kafka may be away meanwhile.
_PATIENCE_S: Final = 3.0


def follower(bootstrap: str, *topics: str, security: KafkaSecurity = PLAINTEXT, **options: int) -> AIOKafkaConsumer:
    """A consumer in no group, which reads what was committed; without topics it is assigned its partitions later.

    Where its place is gone, since a topic was made again or cut by its retention, it goes on with the first record.
    """
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=TIMEOUT_MS,
        **options,
        **security.python_options(),
    )


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
