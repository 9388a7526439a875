"""A worker is killed in the middle of its work; afterwards the state is what the log says."""

import asyncio
import random
from functools import partial

import numpy as np
import pytest

from features.item import Item
from state.keys import Keys
from state.redis import RedisPartitions, connect
from streams.events import Interaction, encode
from streams.oracle import verify_state
from streams.report import Report
from streams.signals import SignalTopic, Uploaded
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

USERS, ITEMS, EVENTS, KILLS = 40, 60, 4000, 4


def test_after_sigkills_in_the_middle_of_batches_every_profile_is_what_the_log_says(system: System) -> None:
    publish_catalogue(system)
    system.start("items", "interactions")
    eventually(lambda: len(system.read("state.catalog")) == ITEMS, "the catalogue is out")
    producer = system.producer()
    chance = random.Random(7)
    for round_ in range(KILLS):
        for event in events(chance, EVENTS // KILLS, first=round_ * EVENTS // KILLS):
            producer.produce(system.topic("events.interactions"), key=event.user_id.encode(), value=encode(event))
        producer.flush()
        killed = system.workers.find("interactions")
        assert killed is not None
        eventually(partial(is_past, system, sum(positions(system).values()) + 50), "the worker is at work")
        system.workers.kill(killed)
        system.start("interactions")
    log = system.read("events.interactions")
    assert len(log) >= EVENTS
    eventually(lambda: sum(p + 1 for p in positions(system).values()) == len(log), "the log is handled")
    eventually(lambda: verify(system).pending_signals == 0, "the signals are handled")
    report = verify(system)
    assert report.ok, report.differences
    assert (report.events, report.users, report.pending, report.incomplete) == (len(log), USERS, 0, [])
    assert report.duplicates > 0
    assert report.items == ITEMS


def is_past(system: System, total: int) -> bool:
    return sum(positions(system).values()) > total


def publish_catalogue(system: System) -> None:
    """Items as the uploads agent publishes them, with vectors of ten groups."""
    chance = np.random.default_rng(3)
    groups = chance.normal(size=(10, system.settings.dimensions))
    signals = SignalTopic(system.settings.topic_prefix, system.settings.partitions)
    producer = system.producer()
    for number in range(ITEMS):
        vector = groups[number % 10] + chance.normal(size=system.settings.dimensions) / 2
        embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        item = Item(f"item-{number}", 1, "seller", 1, category=f"c{number % 10}", embedding=embedding, encoder="e@1")
        message = signals.message(Uploaded(item))
        assert message.partition is not None
        producer.produce(message.topic, key=message.key, value=message.value, partition=message.partition)
    producer.flush()


def events(chance: random.Random, count: int, *, first: int) -> list[Interaction]:
    """Interactions of all kinds, one in twenty with an event id that was used shortly before."""
    made: list[Interaction] = []
    for number in range(first, first + count):
        if made and chance.random() < 0.05:
            made.append(made[-1])
            continue
        made.append(
            Interaction(
                event_id=f"event-{number}",
                type=chance.choice(["click", "click", "view", "like", "purchase", "dislike", "hide"]),
                user_id=f"user-{chance.randrange(USERS)}",
                item_id=f"item-{chance.randrange(ITEMS)}",
                occurred_at_ms=1_790_000_000_000 + number * 1000 - chance.randrange(60_000),
            )
        )
    return made


def positions(system: System) -> dict[int, int]:
    """The positions of events.interactions that Redis holds."""

    async def read() -> dict[int, int]:
        client = connect(system.stack.endpoints.redis)
        try:
            store = RedisPartitions(client, Keys(system.settings.topic_prefix), observe=lambda _op, _seconds: None)
            return await store.positions(range(system.settings.partitions))
        finally:
            await client.aclose()

    return asyncio.run(read())


def verify(system: System) -> Report:
    """What the oracle says."""
    return asyncio.run(verify_state(system.settings, system.kafka, system.stack.endpoints.redis))
