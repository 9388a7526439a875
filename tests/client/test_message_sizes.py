"""The settings that docs/clients.md names let each client library send the largest upload, and are needed for it."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaError, KafkaException, Producer
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from sightline_client import UPLOAD_LIMIT
from sightline_client.topics import MESSAGE_LIMIT, UPLOADS
from tests.client.conftest import Worker
from tests.harness.paths import ROOT

DOCS = (ROOT / "docs" / "clients.md").read_text()
LARGEST = bytes(UPLOAD_LIMIT)


def kafka_python(bootstrap: str, topic: str, limit: int | None) -> None:
    options = {} if limit is None else {"max_request_size": limit}
    producer = KafkaProducer(bootstrap_servers=bootstrap, **options)
    try:
        producer.send(topic, LARGEST).get(30)
    finally:
        producer.close()


def aiokafka(bootstrap: str, topic: str, limit: int | None) -> None:
    async def send() -> None:
        options = {} if limit is None else {"max_request_size": limit}
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
            await producer.send_and_wait(topic, LARGEST)

    asyncio.run(send())


def librdkafka(bootstrap: str, topic: str, limit: int | None) -> None:
    options = {} if limit is None else {"message.max.bytes": limit}
    producer = Producer({"bootstrap.servers": bootstrap, **options})
    producer.produce(topic, LARGEST, on_delivery=_raise)
    producer.flush(30)


def _raise(error: KafkaError | None, _: object) -> None:
    if error is not None:
        raise KafkaException(error)


SENDERS = {
    "kafka-python": (kafka_python, "KafkaProducer(max_request_size={})"),
    "aiokafka": (aiokafka, "AIOKafkaProducer(max_request_size={})"),
    "librdkafka": (librdkafka, "message.max.bytes={}"),
}


@pytest.mark.parametrize("setting", [setting for _, setting in SENDERS.values()])
def test_the_docs_name_the_setting(setting: str) -> None:
    assert setting.format(MESSAGE_LIMIT) in DOCS


@pytest.mark.stack
@pytest.mark.parametrize("send", [send for send, _ in SENDERS.values()], ids=SENDERS)
def test_the_largest_upload_arrives_with_it_and_is_refused_without(
    send: Callable[[str, str, int | None], None], worker: Worker
) -> None:
    topic = worker.prefix + UPLOADS
    send(worker.bootstrap, topic, MESSAGE_LIMIT)
    with pytest.raises(Exception, match=r"(?i)large|size|max"):
        send(worker.bootstrap, topic, None)
