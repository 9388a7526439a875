"""What a user asks on events.privacy, on real Kafka and Redis: done soon, found nowhere, and the same after a crash."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
import numpy as np
import pytest

from features.item import Item, hash_of
from state.redis import Client, connect
from streams.privacy.erasure_check import find_traces
from streams.replay.report import Report
from streams.replay.verify import verify_state
from streams.wire.events import Export, Interaction, PrivacyRequest, Receipt, Recommendations, encode
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

ANN, BOB = "ann@example.org", "bob@example.org"
ITEMS = 12
#: The promise is a second; a machine that does other things as well is given more.
RECEIPT_S = 10.0


def test_a_forgotten_user_is_found_nowhere_and_late_events_stay_out(system: System) -> None:
    begin(system)
    act(system, ANN, range(6))
    act(system, BOB, range(6))
    eventually(lambda: set(standing(system)) == {ANN, BOB}, "both have lists")
    assert find(system, ANN)
    ask(system, ANN, "prefer", {"item-11": 1.0, "item-7": -1.0})
    eventually(lambda: len(receipts(system)) == 1, "the dials are set")
    ask(system, ANN, "forget")
    eventually(lambda: len(receipts(system)) == 2, "the receipt is there")
    wished, receipt = receipts(system)
    assert (wished.type, wished.dials_set) == ("prefer", 2)
    assert (receipt.user_hash, receipt.done_ms - receipt.asked_ms < RECEIPT_S * 1000) == (hash_of(ANN), True)
    assert receipt.erased == {
        "engaged": 6,
        "refused": 0,
        "seen": 6,
        "lists": 1,
        "event_ids": 6,
        "dials": 2,
        "owned": ITEMS // 2,
    }
    eventually(lambda: find(system, ANN) == [], "nothing of Ann is found")
    assert set(standing(system)) == {BOB}
    act(system, ANN, range(6, 9), at_ms=receipt.asked_ms - 1000)
    eventually(lambda: report(system).late == 3, "late events are refused")
    assert find(system, ANN) == []
    verified = report(system)
    assert (verified.ok, verified.requests, verified.incomplete) == (True, 2, []), verified.differences


def test_a_worker_that_was_killed_and_a_store_that_went_back_end_in_the_same_state(system: System) -> None:
    begin(system)
    act(system, ANN, range(6))
    eventually(lambda: set(standing(system)) == {ANN} and at_rest(system), "Ann has a list")
    before = dump(system)
    ask(system, ANN, "forget")
    worker = system.workers.find("interactions")
    assert worker is not None
    system.kill(worker)
    system.start("interactions")
    eventually(lambda: len(receipts(system)) >= 1 and find(system, ANN) == [], "Ann is forgotten")
    eventually(lambda: at_rest(system), "all is stored")
    after = dump(system)
    worker = system.workers.find("interactions")
    assert worker is not None
    system.kill(worker)
    restore(system, before)
    system.start("interactions")
    eventually(lambda: dump(system) == after, "the same state came out")
    assert find(system, ANN) == []
    verified = report(system)
    assert verified.ok, verified.differences


def test_an_export_has_what_was_done_and_what_is_owned(system: System) -> None:
    begin(system)
    act(system, ANN, range(3))
    ask(system, ANN, "prefer", {"item-11": 1.0, "item-7": -1.0})
    eventually(lambda: len(receipts(system)) == 1, "the dials are set")
    act(system, ANN, range(3, 4))
    eventually(lambda: listed(system, ANN)[:1] == ["item-11"], "the list begins with what was asked for")
    assert "item-7" not in listed(system, ANN)
    ask(system, ANN, "export")
    eventually(lambda: len(system.read("privacy.exports")) == 1, "the export is there")
    (record,) = system.read("privacy.exports")
    export = msgspec.json.decode(record.value or b"", type=Export)
    assert [each.item_id for each in export.engaged] == [f"item-{number}" for number in range(4)]
    assert export.dials == {"item-11": 1.0, "item-7": -1.0}
    assert set(export.owned) == {f"item-{number}" for number in range(0, ITEMS, 2)}


def begin(system: System) -> None:
    """Workers, and a catalogue of which Ann owns every other item."""
    chance = np.random.default_rng(3)
    signals = SignalTopic(Namespace(system.settings.topic_prefix), system.settings.partitions)
    producer = system.producer()
    for number in range(ITEMS):
        vector = chance.normal(size=system.settings.dimensions)
        embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        owner = ANN if number % 2 == 0 else BOB
        message = signals.message(Uploaded(Item(f"item-{number}", 1, owner, 1, embeddings={"e@1": embedding})))
        assert message.partition is not None
        producer.produce(message.topic, key=message.key, value=message.value, partition=message.partition)
    producer.flush()
    system.start("items")
    eventually(lambda: len(system.read("state.catalog")) == ITEMS, "the catalogue is out")
    system.start("interactions")


def act(system: System, user: str, items: range, *, at_ms: int | None = None) -> None:
    producer = system.producer()
    for number in items:
        event = Interaction(
            event_id=f"{number}-{at_ms}",
            type="click",
            user_id=user,
            item_id=f"item-{number}",
            occurred_at_ms=time.time_ns() // 1_000_000 if at_ms is None else at_ms,
        )
        producer.produce(system.topic("events.interactions"), key=user.encode(), value=encode(event))
    producer.flush()


def ask(system: System, user: str, kind: str, dials: dict[str, float] | None = None) -> None:
    fields = {"event_id": f"p-{kind}", "type": kind, "user_id": user, "occurred_at_ms": 0, "prefer": dials}
    request = msgspec.convert(fields, PrivacyRequest)
    producer = system.producer()
    producer.produce(system.topic("events.privacy"), key=user.encode(), value=encode(request))
    producer.flush()


def receipts(system: System) -> list[Receipt]:
    return [msgspec.json.decode(each.value or b"", type=Receipt) for each in system.read("privacy.receipts")]


def listed(system: System, user: str) -> list[str]:
    """The items of the user's last list."""
    lists = [each.value for each in system.read("recommendations") if each.key == user.encode() and each.value]
    return [slot.item_id for slot in msgspec.json.decode(lists[-1], type=Recommendations).items]


def standing(system: System) -> list[str]:
    """The users whose last record on the topic of lists has a value."""
    last = {each.key: each.value for each in system.read("recommendations")}
    return [(key or b"").decode() for key, value in last.items() if value is not None]


def find(system: System, user: str) -> list[str]:
    return asyncio.run(find_traces(system.settings, system.kafka, system.stack.endpoints.redis, user))


def report(system: System) -> Report:
    return asyncio.run(verify_state(system.settings, system.kafka, system.stack.endpoints.redis))


def at_rest(system: System) -> bool:
    verified = report(system)
    return not (verified.pending or verified.pending_signals)


def dump(system: System) -> dict[bytes, bytes]:
    """What Redis holds of the profiles' partitions of this test."""

    async def read(client: Client) -> dict[bytes, bytes]:
        names = [key async for key in client.scan_iter(match=f"sightline:{system.settings.topic_prefix}:{{[0-9]*")]
        found = await asyncio.gather(*(client.get(name) for name in names))
        return {name: value for name, value in zip(names, found, strict=True) if isinstance(value, bytes)}

    return asyncio.run(_with_redis(system, read))


def restore(system: System, values: dict[bytes, bytes]) -> None:
    """Have Redis hold these values of the profiles' partitions, and no others."""

    async def write(client: Client) -> dict[bytes, bytes]:
        for name in [key async for key in client.scan_iter(match=f"sightline:{system.settings.topic_prefix}:{{[0-9]*")]:
            await client.delete(name)
        for name, value in values.items():
            await client.set(name, value)
        return values

    asyncio.run(_with_redis(system, write))


async def _with_redis(system: System, use: Callable[[Client], Awaitable[dict[bytes, bytes]]]) -> dict[bytes, bytes]:
    client = connect(system.stack.endpoints.redis)
    try:
        return await use(client)
    finally:
        await client.aclose()
