"""Who came the same way, on real Kafka and Redis: two workers know, a restarted one again, and forgetting ends it."""

import re
import time
from urllib.request import urlopen

import msgspec
import numpy as np
import pytest
from confluent_kafka.admin import AdminClient

from deploy.workers import Worker
from features.item import Item
from streams.kafka.admin import create_topics
from streams.wire.events import Interaction, PrivacyRequest, Recommendations, encode
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

#: More than a list has, so that a place in it has to be earned.
ITEMS = 60
VISITORS = [f"visitor-{number}" for number in range(8)]
HERE, THERE = "item-0", "item-59"


def test_what_others_chose_on_the_same_way_is_in_the_lists_of_all_workers_until_they_are_forgotten(
    system: System,
) -> None:
    workers = begin(system)
    for user in VISITORS:
        click(system, user, HERE, THERE)
    eventually(lambda: held(system, 1) == held(system, 2) == 2 * len(VISITORS), "both workers have all steps")
    newcomers = [f"new-{number}" for number in range(4)]
    for user in newcomers:
        click(system, user, HERE)
    eventually(lambda: all(reasons(system, user).get(THERE) for user in newcomers), "all newcomers have lists")
    assert [user for user in newcomers if "chosen_by_similar" not in reasons(system, user)[THERE]] == []

    system.kill(*workers)
    system.start("interactions")
    eventually(lambda: held(system, 1) == 2 * len(VISITORS) + len(newcomers), "the restarted worker has the ring again")
    click(system, "late", HERE)
    eventually(lambda: "chosen_by_similar" in reasons(system, "late").get(THERE, ()), "and uses it")

    for user in VISITORS:
        forget(system, user)
    eventually(lambda: held(system, 1) == len(newcomers) + 1, "the visitors' steps are gone")
    click(system, "last", HERE)
    eventually(lambda: reasons(system, "last") != {}, "a user who comes afterwards has a list")
    assert "chosen_by_similar" not in {code for codes in reasons(system, "last").values() for code in codes}
    assert refused_or_lost(system) == 0


def test_without_the_topic_lists_go_on_and_steps_follow_once_it_is_there(system: System) -> None:
    admin = AdminClient({"bootstrap.servers": system.kafka})
    (done,) = admin.delete_topics([system.topic("state.steps")]).values()
    done.result(30)
    begin(system)
    click(system, "early", HERE)
    eventually(lambda: len(reasons(system, "early")) == 20, "a list is there")
    eventually(lambda: refused_or_lost(system) == 1, "its step is lost, and counted")
    assert system.read("dead-letters") == []

    create_topics(system.kafka, Namespace(system.settings.topic_prefix), system.settings.partitions, 1)
    chance = iter(range(1000))
    eventually(lambda: steps_after_a_click(system, f"later-{next(chance)}") > 0, "both ends found the topic")


def steps_after_a_click(system: System, user: str) -> float:
    click(system, user, HERE)
    time.sleep(1)
    return held(system, 1)


def begin(system: System) -> list[Worker]:
    """Items that look like nothing, and two workers that make lists."""
    chance = np.random.default_rng(3)
    signals = SignalTopic(Namespace(system.settings.topic_prefix), system.settings.partitions)
    producer = system.producer()
    for number in range(ITEMS):
        vector = chance.normal(size=system.settings.dimensions)
        embedding = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        message = signals.message(Uploaded(Item(f"item-{number}", 1, "shop", 1, embeddings={"e@1": embedding})))
        assert message.partition is not None
        producer.produce(message.topic, key=message.key, value=message.value, partition=message.partition)
    producer.flush()
    system.start("items")
    eventually(lambda: len(system.read("state.catalog")) == ITEMS, "the catalogue is out")
    return [system.workers.start("interactions", number=number) for number in (1, 2)]


def click(system: System, user: str, *items: str) -> None:
    producer = system.producer()
    for item in items:
        now_ms = time.time_ns() // 1_000_000
        event = Interaction(event_id=f"{user}-{item}", occurred_at_ms=now_ms, type="click", user_id=user, item_id=item)
        producer.produce(system.topic("events.interactions"), key=user.encode(), value=encode(event))
    producer.flush()


def forget(system: System, user: str) -> None:
    fields = {"event_id": f"p-{user}", "type": "forget", "user_id": user, "occurred_at_ms": 0}
    producer = system.producer()
    value = encode(msgspec.convert(fields, PrivacyRequest))
    producer.produce(system.topic("events.privacy"), key=user.encode(), value=value)
    producer.flush()


def reasons(system: System, user: str) -> dict[str, list[str]]:
    """The codes of the reasons for each item of the user's last list."""
    lists = [each.value for each in system.read("recommendations") if each.key == user.encode() and each.value]
    if not lists:
        return {}
    found = msgspec.json.decode(lists[-1], type=Recommendations)
    return {slot.item_id: [reason.code for reason in slot.reasons] for slot in found.items}


def held(system: System, number: int) -> float:
    """The steps that a worker says that it holds."""
    return shown(system, number, r"^sightline_recent_steps (\S+)$")


def refused_or_lost(system: System) -> float:
    return sum(
        shown(system, 1, rf'^sightline_steps_total{{outcome="{outcome}"}} (\S+)$') for outcome in ("refused", "lost")
    )


def shown(system: System, number: int, pattern: str) -> float:
    worker = system.workers.find("interactions", number=number)
    assert worker is not None
    with urlopen(f"http://127.0.0.1:{worker.metrics_port}/metrics", timeout=10) as page:
        found = re.search(pattern, page.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])
