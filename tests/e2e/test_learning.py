"""The ranker learns from what users do, on a real Kafka: lists say so, and a learner that was killed goes on."""

import time
from contextlib import closing
from itertools import cycle, islice
from typing import get_args

import msgspec
import pytest

from benchmarks.harness.catalogue import draw_items
from sightline_client.trends import RisingKind
from streams.client import EventPublisher
from streams.kafka.publisher import KafkaPublisher
from streams.learning.model_record import ModelRecord, decode_record
from streams.wire.events import Interaction, Recommendations
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

USERS, ITEMS = 40, 60
#: A worker makes 20 lessons a second at most.
EVENTS, PER_S = 200, 20.0
#: A version is made after 50 lessons that were held out, of which there is one in ten.
LESSONS = 600


async def _upload(system: System) -> None:
    signals = SignalTopic(Namespace(system.settings.topic_prefix), system.settings.partitions)
    publisher = KafkaPublisher(system.kafka)
    items = draw_items(ITEMS, system.settings.dimensions)
    await publisher.publish([signals.message(Uploaded(item)) for item in items])
    await publisher.close()


def shop(system: System, first: int, count: int) -> None:
    """Users choose one item after the other, all in the same order, as what others chose after it proposes."""
    begun = time.monotonic()
    with closing(EventPublisher(system.kafka, prefix=system.settings.topic_prefix)) as publisher:
        for number in range(first, first + count):
            time.sleep(max(begun + (number - first) / PER_S - time.monotonic(), 0))
            user, at = number % USERS, number // USERS
            publisher.publish(
                Interaction(
                    event_id=f"e{number}",
                    type="click",
                    user_id=f"user-{user}",
                    item_id=f"item-{(7 * (user % 4) + at) % ITEMS}",
                    occurred_at_ms=time.time_ns() // 1_000_000,
                )
            )


def repeat_lessons(system: System, count: int) -> None:
    """Publish the workers' lessons again, as many as they would make in half a minute."""
    lessons = [record.value for record in system.read("state.examples")]
    producer = system.producer()
    for lesson in islice(cycle(lessons), count):
        producer.produce(system.topic("state.examples"), value=lesson, partition=0)
    producer.flush()


def said(system: System) -> list[ModelRecord]:
    return [decode_record(record.value or b"") for record in system.read("state.models")]


def rankers(system: System) -> set[str]:
    lists = [record.value for record in system.read("recommendations") if record.value]
    return {msgspec.json.decode(value, type=Recommendations).model["ranker"] for value in lists}


async def test_lists_are_made_by_what_was_learned_and_a_killed_learner_goes_on(system: System) -> None:
    (learner, *_) = system.start("learning", "interactions", "items")
    await _upload(system)
    # A second learner waits.
    standby = system.workers.start("learning", number=2)
    shop(system, 0, EVENTS)
    eventually(lambda: len(system.read("state.examples")) > EVENTS / 5, "the worker makes lessons")
    repeat_lessons(system, LESSONS)
    eventually(lambda: said(system)[-1].version > 0, "a version was learned")
    shop(system, EVENTS, USERS)
    version = said(system)[-1].version
    eventually(lambda: f"online@{version}" in rankers(system), "lists are made by the version")

    system.workers.stop(standby)
    system.kill(learner)
    before = said(system)
    system.start("learning")
    shop(system, EVENTS + USERS, 2 * USERS)
    eventually(lambda: said(system)[-1].admitted > before[-1].admitted, "the learner learns on")
    records = said(system)
    assert [each.version for each in records] == sorted(each.version for each in records)
    assert [each.admitted for each in records] == sorted(each.admitted for each in records)
    assert "weighted@2" in rankers(system)
    kinds = {kind.encode() for kind in get_args(RisingKind)}
    eventually(lambda: {record.key for record in system.read("trends")} == kinds, "the worker says what rises, too")
