"""Redis loses everything, or holds nonsense, under real workers: afterwards the state is what the log says."""

import asyncio
import random
from functools import partial
from typing import Literal, Protocol

import pytest
from confluent_kafka import Producer

from state.keys import Keys
from state.redis import Client, connect
from streams.kafka.groups import read_handled
from streams.replay.rebuild import Rebuilt, rebuild_state
from streams.replay.report import Report
from streams.replay.verify import verify_state
from streams.wire.events import Interaction, ItemChange, encode
from tests.e2e.conftest import System, eventually
from tests.harness.fakes import NOON

pytestmark = pytest.mark.stack

USERS, ITEMS, EVENTS = 30, 40, 1500
Kind = Literal["click", "view", "like", "hide", "purchase"]


class Harm(Protocol):
    """What is done to Redis."""

    async def __call__(self, client: Client, *, prefix: str) -> None: ...


def publish(system: System, producer: Producer, *, first: int, count: int) -> None:
    """Interactions, and some changes of items."""
    chance = random.Random(first)
    kinds: tuple[Kind, ...] = ("click", "click", "view", "like", "hide", "purchase")
    for number in range(first, first + count):
        user, item = f"u{chance.randrange(USERS)}", f"i{chance.randrange(ITEMS)}"
        event = Interaction(
            event_id=f"e{number}",
            type=chance.choice(kinds),
            user_id=user,
            item_id=item,
            occurred_at_ms=NOON + number,
        )
        producer.produce(system.topic("events.interactions"), key=user.encode(), value=encode(event))
        if number % 20 == 0:
            change = ItemChange(event_id=f"c{number}", item_id=item, occurred_at_ms=NOON + number, price=number / 10)
            producer.produce(system.topic("events.items"), key=item.encode(), value=encode(change))
    producer.flush()


def verify(system: System) -> Report:
    endpoints = system.stack.endpoints
    return asyncio.run(verify_state(system.settings, endpoints.kafka, endpoints.redis))


def rebuild(system: System) -> Rebuilt:
    endpoints = system.stack.endpoints
    return asyncio.run(rebuild_state(system.settings, endpoints.kafka, endpoints.redis))


def is_at_rest(system: System, events: int) -> bool:
    report = verify(system)
    return (report.pending, report.pending_signals, report.events) == (0, 0, events)


def harm(system: System, how: Harm) -> None:
    async def run() -> None:
        client = connect(system.stack.endpoints.redis)
        try:
            await how(client, prefix=system.settings.topic_prefix)
        finally:
            await client.aclose()

    asyncio.run(run())


async def empty(client: Client, *, prefix: str) -> None:
    keys = [key async for key in client.scan_iter(match=f"*{prefix}*", count=1000)]
    assert keys
    await client.delete(*keys)


async def spoil(client: Client, *, prefix: str) -> None:
    """Profiles are swapped, a stranger is in, and the positions stay: nothing a worker could notice."""
    names = [key async for key in client.scan_iter(match=f"sightline:{prefix}:*:profile:*", count=1000)]
    values = [await client.get(name) for name in names]
    for name, value in zip(names, values[1:] + values[:1], strict=True):
        await client.set(name, value or b"")
    await client.set(Keys(prefix).value(0, "profile:stranger"), values[0] or b"")


def test_after_a_rebuild_the_state_is_what_the_log_says(system: System) -> None:
    producer = system.producer()
    workers = system.start("items", "interactions")
    publish(system, producer, first=0, count=EVENTS)
    eventually(partial(is_at_rest, system, EVENTS), "everything is handled")
    for worker in workers:
        system.workers.stop(worker)
    before = verify(system)
    assert before.ok, before.differences
    for how in (empty, spoil):
        harm(system, how)
        assert not verify(system).ok or verify(system).pending == EVENTS

        rebuilt = rebuild(system)
        report = verify(system)
        assert report.ok, report.differences
        assert (report.events, report.pending, report.users, report.items) == (EVENTS, 0, before.users, before.items)
        assert (rebuilt.events, rebuilt.lost) == (EVENTS, {})

    system.start("items", "interactions")
    publish(system, producer, first=EVENTS, count=300)
    eventually(partial(is_at_rest, system, EVENTS + 300), "the workers go on")
    report = verify(system)
    assert report.ok, report.differences


def test_workers_that_run_meanwhile_take_up_from_the_new_state(system: System) -> None:
    producer = system.producer()
    system.start("items", "interactions")
    publish(system, producer, first=0, count=EVENTS)
    eventually(partial(is_at_rest, system, EVENTS), "everything is handled")
    harm(system, spoil)
    assert not verify(system).ok
    group, topic = f"{system.settings.topic_prefix}sightline-interactions", system.topic("events.interactions")
    eventually(
        lambda: sum(offset + 1 for offset in read_handled(system.kafka, group, topic).values()) == EVENTS,
        "Kafka knows what was handled",
    )

    publish(system, producer, first=EVENTS, count=500)
    assert rebuild(system).events >= EVENTS
    publish(system, producer, first=EVENTS + 500, count=500)
    eventually(partial(is_at_rest, system, EVENTS + 1000), "everything is handled")
    report = verify(system)
    assert report.ok, report.differences
