"""A publisher with transactions, and workers as they run: what is committed counts, and markers are no events."""

import asyncio
import time
import urllib.request

import pytest
from confluent_kafka import Producer
from kafka import TopicPartition  # type: ignore[import-untyped]  # ships no types

from deploy.workers import Worker
from streams.kafka.admin import read_log
from streams.kafka.admin_client import connected_admin
from streams.replay.report import Report
from streams.replay.verify import verify_state
from streams.wire.events import Interaction, encode
from tests.e2e.conftest import System, eventually

pytestmark = pytest.mark.stack

CLICKS = 5


class Publisher:
    """Clicks of one user at a time, in a transaction."""

    def __init__(self, system: System) -> None:
        self._topic = system.topic("events.interactions")
        names = {"transactional.id": self._topic, "partitioner": "murmur2_random"}
        self._producer = Producer({"bootstrap.servers": system.kafka, **names})
        self._producer.init_transactions(30)

    def begin(self, user: str) -> None:
        self._producer.begin_transaction()
        for n in range(CLICKS):
            now_ms = time.time_ns() // 1_000_000
            event = Interaction(
                event_id=f"{user}-{n}", type="click", user_id=user, item_id=f"i{n}", occurred_at_ms=now_ms
            )
            self._producer.produce(self._topic, key=user, value=encode(event))
        self._producer.flush(30)

    def commit(self) -> None:
        self._producer.commit_transaction(30)

    def abort(self) -> None:
        self._producer.abort_transaction(30)


def users_with_lists(system: System) -> set[str]:
    return {(record.key or b"").decode() for record in system.read("recommendations")}


def verify(system: System) -> Report:
    return asyncio.run(verify_state(system.settings, system.kafka, system.stack.endpoints.redis))


def samples(worker: Worker, metric: str) -> list[float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{worker.metrics_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric + "{")]


def cut_to_its_end(system: System) -> None:
    """Retention takes everything, also the markers at the end."""
    topic = system.topic("events.interactions")
    ends = {p: extent.end for p, extent in read_log(system.kafka, topic).extents.items()}
    with connected_admin(system.kafka) as admin:
        admin.delete_records({TopicPartition(topic, p): end for p, end in ends.items()})


def test_committed_events_count_aborted_ones_do_not_and_open_ones_wait(system: System) -> None:
    (worker, _) = system.start("interactions", "items")
    publisher = Publisher(system)
    publisher.begin("kept")
    publisher.commit()
    eventually(lambda: "kept" in users_with_lists(system), "a list for committed clicks")
    publisher.begin("taken-back")
    time.sleep(1)
    publisher.abort()
    publisher.begin("late")
    eventually(lambda: samples(worker, "sightline_held_back_seconds") != [], "the open transaction is told of")
    time.sleep(1.5)
    assert users_with_lists(system) == {"kept"}
    assert set(samples(worker, "sightline_consumer_lag_records")) == {0}
    publisher.commit()
    eventually(lambda: users_with_lists(system) == {"kept", "late"}, "a list for clicks that waited")
    eventually(lambda: samples(worker, "sightline_held_back_seconds") == [], "nothing is held back any more")
    report = verify(system)
    assert (report.ok, report.events, report.pending, report.users) == (True, 2 * CLICKS, 0, 2), report.differences


def test_a_worker_starts_where_all_that_is_left_of_a_log_is_its_end_behind_a_marker(system: System) -> None:
    (worker, _) = system.start("interactions", "items")
    publisher = Publisher(system)
    for user, end in (("kept", publisher.commit), ("taken-back", publisher.abort)):
        publisher.begin(user)
        end()
    eventually(lambda: verify(system).pending == 0 and verify(system).events == CLICKS, "everything is applied")
    eventually(lambda: set(samples(worker, "sightline_consumer_lag_records")) == {0}, "nothing waits")
    time.sleep(0.5)
    system.workers.stop(worker)
    cut_to_its_end(system)
    system.start("interactions")
    publisher.begin("later")
    publisher.commit()
    eventually(lambda: "later" in users_with_lists(system), "a list after the restart")
