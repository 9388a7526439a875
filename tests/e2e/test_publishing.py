"""What Kafka refuses ends no worker and holds up nobody else; on real Kafka and Redis."""

import json
import time
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest
from confluent_kafka import admin

from deploy import process
from features.item import Item
from streams.processing.dead_letters import read_letter
from streams.wire.events import DeadLetter, Interaction, PrivacyRequest, Recommendations, encode
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded
from tests.cli.conftest import run
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

ADMIN: Any = admin  # typed in part
SHOP, ANN = "shop@example.org", "ann@example.org"
ITEMS = [f"{number:0100}" for number in range(1500)]


@dataclass(frozen=True, slots=True)
class World:
    """A shop that owns many items, and users who click."""

    system: System

    def begin(self) -> None:
        chance = np.random.default_rng(3)
        settings = self.system.settings
        signals = SignalTopic(Namespace(settings.topic_prefix), settings.partitions)
        producer = self.system.producer()
        for item_id in ITEMS:
            vector = chance.normal(size=settings.dimensions)
            embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
            message = signals.message(Uploaded(Item(item_id, 1, SHOP, 1, embeddings={"e@1": embedding})))
            assert message.partition is not None
            producer.produce(message.topic, key=message.key, value=message.value, partition=message.partition)
        producer.flush()
        self.system.start("items")
        eventually(lambda: len(self.system.read("state.catalog")) == len(ITEMS), "the catalogue is out")
        self.system.start("interactions")

    def limit(self, topic: str, limit: int) -> None:
        """Have a topic take batches of so many bytes."""
        operation = ADMIN.AlterConfigOpType.SET
        setting = ADMIN.ConfigEntry("max.message.bytes", str(limit), incremental_operation=operation)
        resource = ADMIN.ConfigResource(
            ADMIN.ResourceType.TOPIC, self.system.topic(topic), incremental_configs=[setting]
        )
        client = self._client()
        (done,) = client.incremental_alter_configs([resource]).values()
        done.result(30)

    def _client(self) -> Any:
        return ADMIN.AdminClient({"bootstrap.servers": self.system.kafka})

    def delete(self, topic: str) -> None:
        client = self._client()
        (done,) = client.delete_topics([self.system.topic(topic)]).values()
        done.result(30)

    def click(self, *users: str) -> None:
        producer = self.system.producer()
        for number, user in enumerate(users):
            event = Interaction(
                event_id=f"{number}-{time.time_ns()}",
                type="click",
                user_id=user,
                item_id=ITEMS[number],
                occurred_at_ms=time.time_ns() // 1_000_000,
            )
            producer.produce(self.system.topic("events.interactions"), key=user.encode(), value=encode(event))
        producer.flush()

    def ask_for_export(self) -> None:
        request = PrivacyRequest(event_id="p", type="export", user_id=SHOP, occurred_at_ms=0)
        producer = self.system.producer()
        producer.produce(self.system.topic("events.privacy"), key=SHOP.encode(), value=encode(request))
        producer.flush()

    def count(self, topic: str) -> int:
        return len(self.system.read(topic))

    def lists(self) -> list[Recommendations]:
        return [
            msgspec.json.decode(each.value or b"", type=Recommendations) for each in self.system.read("recommendations")
        ]

    def letters(self, topic: str, reason: str) -> list[DeadLetter]:
        found = (read_letter(each.value) for each in self.system.read("dead-letters"))
        names = (self.system.topic(topic), reason)
        return [letter for letter in found if letter is not None and (letter.topic, letter.reason) == names]

    def serves(self, user: str) -> None:
        """Check that a click is answered."""
        before = sum(each.user_id == user for each in self.lists())
        self.click(user)
        eventually(lambda: sum(each.user_id == user for each in self.lists()) > before, f"{user} has a new list")

    def restart(self) -> None:
        found = self.system.workers.find("interactions")
        assert found is not None
        self.system.workers.stop(found)
        assert json.loads(found.log.read_text().splitlines()[-1])["exit_code"] == 0
        self.system.start("interactions")


@pytest.fixture(scope="module")
def world(shared_system: System) -> World:
    made = World(shared_system)
    made.begin()
    return made


def test_a_large_export_comes_in_parts_and_one_that_is_refused_holds_up_nobody(world: World) -> None:
    system = world.system
    variables = {
        "home": str(system.settings.home),
        "tools": str(system.settings.tools),
        "topic_prefix": system.settings.topic_prefix,
        "partitions": str(system.settings.partitions),
    }
    world.limit("privacy.exports", 64 * 1024)
    exported = run("user", "export", SHOP, "--json", variables=variables)
    assert exported.returncode == 0, exported.stderr
    assert sorted(json.loads(exported.stdout.splitlines()[-1])["owned"]) == ITEMS
    assert world.count("privacy.exports") == 3

    world.limit("privacy.exports", 20_000)
    refused = run("user", "export", SHOP, "--timeout", "5", variables=variables)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "no part of the export is there: `sightline dead-letters list" in refused.stderr
    assert [each.value for each in world.letters("privacy.exports", "unpublishable_too_large")] == [None] * 3
    world.serves(ANN)
    world.restart()
    world.serves(ANN)

    world.delete("privacy.exports")
    world.ask_for_export()
    eventually(lambda: world.count("privacy.receipts") == 3, "the request is done")
    eventually(
        lambda: len(world.letters("privacy.exports", "unpublishable_no_topic")) == 3, "the parts are dead letters"
    )
    world.serves(ANN)
    world.restart()
    world.serves(ANN)


def test_lists_that_are_too_large_together_all_arrive_and_a_topic_that_takes_none_waits(world: World) -> None:
    users = [f"user-{number}" for number in range(40)]
    world.limit("recommendations", 12_000)
    world.click(*users)
    eventually(lambda: {each.user_id for each in world.lists()} >= set(users), "every user has a list")
    world.limit("recommendations", 2_000)
    world.click(ANN)
    eventually(
        lambda: len(world.letters("recommendations", "unpublishable_too_large")) == 1, "Ann's list is a dead letter"
    )
    world.limit("recommendations", 1 << 20)
    world.serves(ANN)
    worker = world.system.workers.find("interactions")
    assert worker is not None
    assert process.alive(worker.process)
