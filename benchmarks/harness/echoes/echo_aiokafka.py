"""A reference: aiokafka's consumer and producer with default settings; it sends every message on unchanged.

Run it with `python -m benchmarks.harness.echoes.echo_aiokafka KAFKA GROUP EVENTS_TOPIC ANSWERS_TOPIC DATA_FOLDER`; the
folder is not used.
"""

import asyncio
import signal
import sys
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def echo(kafka: str, group: str, events: str, answers: str) -> None:
    """Consume and send until SIGTERM."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    consumer = AIOKafkaConsumer(events, bootstrap_servers=kafka, group_id=group, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    async with consumer, producer:
        async for message in consumer:
            await producer.send(answers, message.value, message.key)


if __name__ == "__main__":
    _, kafka, group, events, answers, _ = sys.argv
    with suppress(asyncio.CancelledError):
        asyncio.run(echo(kafka, group, events, answers))
