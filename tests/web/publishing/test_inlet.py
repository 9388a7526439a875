import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError

from sightline_client.events import Interaction, ItemChange, Upload
from sightline_client.pseudonyms import pseudonym
from sightline_client.routing import partition_of
from streams.errors import PublishFailed
from streams.kafka.publish_errors import MessagesRefused, Refused
from streams.kafka.publisher import KafkaPublisher
from streams.wire.cloud_events import CloudInteraction
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_interaction
from streams.wire.records import Message, Record
from tests.harness.fakes import NOON, until
from tests.harness.inlets import PARTITIONS, FakeKafka
from web.problems import Problem
from web.publishing.inlet import Inlet

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def click(number: int = 1, user: str = "u1") -> Interaction:
    return Interaction(event_id=f"c-{number}", type="click", user_id=user, item_id="i9", occurred_at_ms=NOON)


def inlet(kafka: FakeKafka, **options: Any) -> Inlet:
    return Inlet(kafka, Namespace("shop."), **{"answer_s": 0.05} | options)


async def test_an_event_lies_at_the_user_in_the_topic_of_the_app() -> None:
    kafka = FakeKafka()
    await inlet(kafka).publish([click(1), click(2)])
    assert [(each.topic, each.key) for each in kafka.messages] == [("shop.events.interactions", b"u1")] * 2
    assert [json.loads(each.value or b"")["event_id"] for each in kafka.messages] == ["c-1", "c-2"]


async def test_the_place_is_where_the_broker_put_it() -> None:
    kafka = FakeKafka()
    door = inlet(kafka)
    await door.publish([click(1)])
    place = await door.place(click(2))
    assert (place.partition, place.offset) == (partition_of(b"u1", PARTITIONS), 1)


async def test_with_a_key_no_id_of_a_user_leaves() -> None:
    kafka, key = FakeKafka(), b"a key of thirty-two characters.."
    door = inlet(kafka, pseudonym_key=key)
    upload = Upload(event_id="n-1", item_id="i1", user_id="u1", image=b"x", occurred_at_ms=NOON)
    await door.publish([click(), upload])
    name = pseudonym(key, "u1")
    assert [json.loads(each.value or b"")["user_id"] for each in kafka.messages] == [name, name]
    assert ([each.key for each in kafka.messages], door.known_as("u1")) == ([name.encode(), b"i1"], name)


async def test_a_cloud_event_keeps_its_source_and_a_trace_goes_on() -> None:
    kafka = FakeKafka()
    event = CloudInteraction(event_id="1", source="/app", type="click", user_id="u1", item_id="i9", occurred_at_ms=NOON)
    await inlet(kafka).publish([event], trace=TRACE)
    (sent,) = kafka.messages
    assert ("traceparent", TRACE.encode()) in sent.headers
    assert parse_interaction(Record(sent.topic, 0, 0, NOON, sent.key, sent.value, sent.headers)) == event


async def test_while_kafka_is_away_the_answer_is_503_and_the_event_may_still_arrive() -> None:
    kafka = FakeKafka()
    kafka.back.clear()
    door = inlet(kafka)
    with pytest.raises(Problem, match="may still arrive") as refused:
        await door.publish([click()])
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "2")
    assert (refused.value.more["event_ids"], door.waiting_bytes > 0) == (["c-1"], True)
    kafka.back.set()
    await until(lambda: len(kafka.messages) == 1)
    await until(lambda: door.waiting_bytes == 0)


async def test_what_kafka_refuses_is_a_503_that_says_why() -> None:
    kafka = FakeKafka()
    kafka.failure = PublishFailed("no such topic: run `sightline topics create`")
    with pytest.raises(Problem, match="topics create"):
        await inlet(kafka).publish([click()])


async def test_more_than_there_is_room_for_is_refused_and_nothing_of_it_is_sent() -> None:
    kafka = FakeKafka()
    kafka.back.clear()
    door = inlet(kafka, waiting_bytes=500)
    await door.publish([click(1)], later=True)
    with pytest.raises(Problem) as refused:
        await door.publish([click(2), click(3)], later=True)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
    kafka.back.set()
    await door.close(1.0)
    assert [json.loads(each.value or b"")["event_id"] for each in kafka.messages] == ["c-1"]


class Refusing(FakeKafka):
    """Takes dead letters alone."""

    async def publish(self, messages: Sequence[Message]) -> None:
        if messages[0].topic.endswith("dead-letters"):
            return await super().publish(messages)
        error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
        raise MessagesRefused(messages, [Refused(message, error) for message in messages])


async def test_what_was_accepted_and_kafka_refuses_for_good_is_a_dead_letter() -> None:
    kafka = Refusing()
    door = inlet(kafka)
    await door.publish([click()], later=True)
    await door.close(5.0)
    (letter,) = kafka.messages
    assert json.loads(letter.value or b"")["reason"] == "unpublishable_too_large"


async def test_an_event_that_no_topic_takes_is_refused() -> None:
    text = "\x01" * 4096
    large = ItemChange(
        event_id="p", item_id="i", occurred_at_ms=NOON, title=text, description=text, attributes={"a": "x" * 20_000}
    )
    with pytest.raises(Problem) as refused:
        await inlet(FakeKafka()).publish([large])
    assert refused.value.status == 413


async def test_what_was_accepted_is_sent_while_the_process_ends() -> None:
    kafka = FakeKafka()
    kafka.back.clear()
    door = inlet(kafka)
    await door.publish([click(number) for number in range(3)], later=True)
    ending = asyncio.create_task(door.close(10.0))
    await asyncio.sleep(0.02)
    assert not ending.done()
    kafka.back.set()
    await ending
    assert len(kafka.messages) == 3


async def test_a_client_that_is_gone_does_not_take_its_event_back() -> None:
    kafka = FakeKafka()
    kafka.back.clear()
    door = inlet(kafka, answer_s=5.0)
    request = asyncio.create_task(door.publish([click()]))
    await asyncio.sleep(0)
    request.cancel()
    kafka.back.set()
    await door.close(1.0)
    assert len(kafka.messages) == 1


async def test_kafkas_own_publisher_waits_for_a_broker_that_is_not_there() -> None:
    publisher = KafkaPublisher("127.0.0.1:1")
    door = Inlet(publisher, Namespace(), answer_s=0.2)
    for send in (door.publish([click()]), door.place(click())):
        with pytest.raises(Problem) as refused:
            await send
        assert refused.value.status == 503
    await door.publish([click()], later=True)
    assert (door.waiting_bytes > 0, publisher.undelivered) == (True, 3)
    await door.close(0.1)
    await publisher.close(timeout_s=0.1)
