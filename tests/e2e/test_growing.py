"""The steps that `sightline topics grow` prints, taken one by one after partitions were added to a topic in use."""

import asyncio
import json
from contextlib import closing

import pytest
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types

from deploy.workers import Workers
from features.item import Item
from streams.client import EventPublisher
from streams.events import Interaction
from streams.kafka.publisher import KafkaPublisher
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded
from tests.cli.conftest import last_json, run
from tests.e2e.conftest import System, eventually, variables_of
from tests.harness.fakes import NOON

pytestmark = pytest.mark.stack

USERS = [f"u{n}" for n in range(16)]
DIMENSIONS = 256


def publish_items(system: System) -> None:
    """Publish three items as the uploads worker does."""
    signals = SignalTopic(Namespace(system.settings.topic_prefix), system.settings.partitions)
    vector = b"\x00\x3c" + bytes(2 * (DIMENSIONS - 1))
    items = [Item(f"i{n}", NOON, owner="shop", price=float(n), embeddings={"fake@1": vector}) for n in range(3)]

    async def publish() -> None:
        publisher = KafkaPublisher(system.kafka)
        await publisher.publish([signals.message(Uploaded(item)) for item in items])
        await publisher.close()

    asyncio.run(publish())


def click(system: System, item: str) -> None:
    with EventPublisher(system.kafka, prefix=system.settings.topic_prefix) as publisher:
        for user in USERS:
            event = Interaction(
                event_id=f"{user}-{item}", type="click", user_id=user, item_id=item, occurred_at_ms=NOON
            )
            publisher.publish(event)


def listed(system: System, item: str) -> set[str]:
    """The users with a list that a click on this item caused."""
    values = [json.loads(record.value) for record in system.read("recommendations") if record.value]
    return {value["user_id"] for value in values if value["trigger"]["item_id"] == item}


def test_the_steps_lead_from_a_grown_topic_to_a_whole_app(system: System) -> None:
    publish_items(system)
    old_workers = system.start("interactions", "items")
    click(system, "i1")
    eventually(lambda: listed(system, "i1") == set(USERS), "every user has a list")
    with closing(KafkaAdminClient(bootstrap_servers=system.kafka)) as admin:
        admin.create_partitions({system.topic("events.interactions"): 8})
    click(system, "i2")

    prefix, variables = system.settings.topic_prefix, variables_of(system)
    how = run("topics", "grow", "8", variables=variables)
    assert how.returncode == 2
    assert f"sightline topics grow 8 --into {prefix}8." in how.stderr
    early = run("topics", "grow", "8", "--into", f"{prefix}8.", variables=variables)
    assert (early.returncode, "workers are running (1 interactions, 1 items)" in early.stderr) == (2, True)

    eventually(lambda: len(system.read("state.catalog")) >= 3, "the items are in the catalogue")
    for worker in old_workers:
        system.workers.stop(worker)
    done = run("topics", "grow", "8", "--into", f"{prefix}8.", "--json", variables=variables)
    assert done.returncode == 0, done.stderr
    assert last_json(done) == {"events": 32, "items": 3, "prefix": f"{prefix}8.", "partitions": 8}
    again = run("topics", "grow", "8", "--into", f"{prefix}8.", variables=variables)
    assert (again.returncode, "were there before" in again.stderr) == (2, True)

    settings = system.settings.model_copy(update={"topic_prefix": f"{prefix}8.", "partitions": 8})
    grown = System(settings, system.stack, Workers(settings, system.stack.endpoints))
    variables = variables_of(grown)
    with grown.workers.borrowed(("interactions", "items")):
        eventually(lambda: listed(grown, "i2") == set(USERS), "every user has a list in the new app")
        eventually(lambda: len(grown.read("state.catalog")) >= 3, "the items are in the new catalogue")
        click(grown, "i0")
        eventually(lambda: listed(grown, "i0") == set(USERS), "every user goes on")
    verified = run("verify", variables=variables)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    shown = last_json(run("user", "show", "u3", "--json", variables=variables))
    assert {each["item_id"] for each in shown["engaged"]} == {"i0", "i1", "i2"}
