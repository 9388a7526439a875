"""A worker is killed in the middle of its work; afterwards the state is what the log says."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from features.behaviour import UNKNOWN, Behaviour, apply_engagement, engagements
from features.item import Item, key_of
from features.profile import NEW, Action, Profile, apply_interaction, is_applied, weigh
from state.keys import Keys
from state.profiles import ProfileStore
from state.redis import Client, RedisPartitions, connect
from state.signals import SignalStore
from streams.events import Interaction, Recommendations, encode
from streams.parsing import Record, clamp_time, parse_interaction
from streams.signals import SignalTopic, Uploaded
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

T = TypeVar("T")
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
    profiles, behaviours = replay(log)
    assert {user: stored_profile(system, user) for user in profiles} == {u: comparable(p) for u, p in profiles.items()}
    compare_behaviours(system, behaviours)
    check_output(system, profiles)


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


def replay(log: list[Record]) -> tuple[dict[str, Profile], dict[int, Behaviour]]:
    """Profiles and behaviours from the log alone, through the agents' own pure functions."""
    profiles: defaultdict[str, Profile] = defaultdict(lambda: NEW)
    behaviours: defaultdict[int, Behaviour] = defaultdict(lambda: UNKNOWN)
    for record in log:
        event = parse_interaction(record)
        at_ms = clamp_time(event.occurred_at_ms, record.timestamp_ms)
        action = Action(key_of(event.event_id), key_of(event.item_id), weigh(event.type), at_ms)
        before = profiles[event.user_id]
        if is_applied(before, action):
            continue
        profiles[event.user_id] = apply_interaction(before, action)
        for engagement in engagements(before, action, source=record.partition, offset=record.offset):
            behaviours[engagement.item] = apply_engagement(behaviours[engagement.item], engagement)
    return dict(profiles), dict(behaviours)


def comparable(profile: Profile) -> tuple[object, ...]:
    return (
        profile.engaged.tolist(),
        profile.refused.tolist(),
        profile.seen.tolist(),
        profile.events.tolist(),
        profile.count,
        profile.last_at_ms,
    )


def ask(system: System, question: Callable[[Client], Awaitable[T]]) -> T:
    """The answer of the system's Redis to a question."""

    async def run() -> T:
        client = connect(system.stack.endpoints.redis)
        try:
            return await question(client)
        finally:
            await client.aclose()

    return asyncio.run(run())


def partitions_of(system: System, client: Client, tag: str) -> RedisPartitions:
    return RedisPartitions(client, Keys(system.settings.topic_prefix + tag), observe=lambda _op, _seconds: None)


def positions(system: System) -> dict[int, int]:
    numbers = range(system.settings.partitions)
    return ask(system, lambda client: partitions_of(system, client, "").positions(numbers))


def stored_profile(system: System, user: str) -> tuple[object, ...]:
    async def find(client: Client) -> tuple[object, ...]:
        store = ProfileStore(partitions_of(system, client, ""))
        loaded = await store.load({partition: [user] for partition in range(system.settings.partitions)})
        (profile,) = [each.profiles[user] for each in loaded.values() if each.profiles[user].count]
        return comparable(profile)

    return ask(system, find)


def compare_behaviours(system: System, expected: dict[int, Behaviour]) -> None:
    """Popularity is a sum in any order; so it is equal up to rounding, and nothing was counted twice."""

    async def stored(client: Client) -> dict[int, Behaviour]:
        return await SignalStore(partitions_of(system, client, "s"), system.settings.partitions).behaviours(
            list(expected)
        )

    def equal() -> bool:
        found = ask(system, stored)
        assert found.keys() == expected.keys()
        return all(
            found[item].at_ms == expected[item].at_ms
            and abs(found[item].popular - expected[item].popular) <= 1e-5 * max(1.0, expected[item].popular)
            for item in expected
        )

    eventually(equal, "popularity is what the log says")


def check_output(system: System, profiles: dict[str, Profile]) -> None:
    """Every user's lists come with a `seq` that never falls but by repetition, and none lacks a last list."""
    last: dict[str, int] = {}
    for record in system.read("recommendations"):
        assert record.value is not None
        made = msgspec.json.decode(record.value, type=Recommendations)
        last[made.user_id] = made.seq
    assert last.keys() == profiles.keys()
