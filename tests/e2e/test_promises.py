"""What operators do to topics and to Redis: a running worker says so within ten seconds, and a new one is refused."""

import http.client
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime

import pytest
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types
from kafka.admin import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]

from deploy.errors import StackError
from deploy.redis_server import ask
from deploy.workers import Worker, WorkerName, Workers
from streams.kafka.admin import create_topics
from streams.wire.namespace import Namespace
from streams.wire.topics import ALL
from tests.cli.conftest import last_json, run
from tests.e2e.conftest import System, eventually, variables_of

pytestmark = pytest.mark.stack

NOTICED_S = 10.0
ALL_WORKERS: tuple[WorkerName, ...] = ("interactions", "uploads", "items")


@contextmanager
def admin(system: System) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=system.kafka)) as client:
        yield client


def grow(system: System, name: str, partitions: int) -> None:
    with admin(system) as client:
        client.create_partitions({system.topic(name): partitions})


def configure(system: System, name: str, **settings: str) -> None:
    """Set a topic's settings; `retention_ms` stands for retention.ms."""
    changed = {key.replace("_", "."): value for key, value in settings.items()}
    with admin(system) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, system.topic(name), changed)])


def evict(redis: str, policy: str) -> None:
    ask(redis, "CONFIG", "SET", "maxmemory-policy", policy)


@contextmanager
def evicting(system: System, policy: str) -> Iterator[None]:
    """A Redis that evicts, as a managed one may by default."""
    redis = system.stack.endpoints.redis
    evict(redis, policy)
    try:
        yield
    finally:
        evict(redis, "noeviction")


def page(worker: Worker, path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", worker.metrics_port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def broken(worker: Worker, kind: str) -> float:
    text = page(worker, "/metrics")[1]
    found = re.search(rf'^sightline_broken_promises{{kind="{kind}",severity="danger"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def notices(worker: Worker, changes: Mapping[str, str], change: Callable[[], None]) -> None:
    """Make changes, given by kind and words; the worker says them in /readyz, metrics and log, and stays alive."""
    assert page(worker, "/readyz")[0] == 200
    change()
    begun = time.monotonic()

    def all_said() -> bool:
        return all(words in page(worker, "/readyz")[1] for words in changes.values())

    eventually(all_said, f"not ready: {changes}", deadline_s=2 * NOTICED_S)
    assert time.monotonic() - begun < NOTICED_S
    assert page(worker, "/readyz")[0] == 503
    assert {kind for kind in changes if broken(worker, kind) < 1} == set()
    log = worker.log.read_text()
    assert {words for words in changes.values() if words not in log} == set()
    assert page(worker, "/healthz")[0] == 200


#: By kind: a setting of events.interactions, a bad value, and the good one.
SETTINGS = {
    "timestamp_type": ("message_timestamp_type", "CreateTime", "LogAppendTime"),
    "retention": ("retention_ms", "60000", "604800000"),
    "cleanup_policy": ("cleanup_policy", "compact", "delete"),
    "message_size": ("max_message_bytes", "1000", "1048576"),
}


def test_a_running_worker_notices_what_changes_and_that_it_was_mended(system: System) -> None:
    (worker,) = system.start("items")

    def mended(*kinds: str) -> None:
        eventually(lambda: page(worker, "/readyz") == (200, "ok\n"), "ready again", deadline_s=2 * NOTICED_S)
        assert {kind for kind in kinds if broken(worker, kind)} == set()

    bad, good = ({name: each[at] for name, *each in SETTINGS.values()} for at in (0, 1))
    changes = {
        kind: f"events.interactions has {name.replace('_', '.')}={wrong}, not {right}"
        for kind, (name, wrong, right) in SETTINGS.items()
    } | {"eviction": "maxmemory-policy=allkeys-lru, not noeviction"}

    def spoil() -> None:
        evict(system.stack.endpoints.redis, "allkeys-lru")
        configure(system, "events.interactions", **bad)

    with evicting(system, "noeviction"):
        notices(worker, changes, spoil)
    configure(system, "events.interactions", **good)
    mended(*changes)
    grown = {"partitions": "events.interactions has 8 partitions, not 4"}
    notices(worker, grown, lambda: grow(system, "events.interactions", 8))


def test_a_running_worker_notices_a_topic_that_was_deleted_and_created_again(system: System) -> None:
    (worker,) = system.start("items")
    with admin(system) as client:
        client.delete_topics([system.topic("events.uploads")])
    eventually(
        lambda: "events.uploads is missing: run `sightline topics create`" in page(worker, "/readyz")[1],
        "the topic is missing",
        deadline_s=2 * NOTICED_S,
    )
    create_topics(system.kafka, Namespace(system.settings.topic_prefix), system.settings.partitions, 1)
    eventually(
        lambda: "events.uploads was deleted and created again" in page(worker, "/readyz")[1],
        "the topic is another",
        deadline_s=2 * NOTICED_S,
    )
    assert (broken(worker, "recreated"), broken(worker, "missing")) == (1, 0)


def test_after_growing_one_topic_no_setting_starts_a_worker(system: System) -> None:
    grow(system, "events.interactions", 8)
    with pytest.raises(StackError, match=r"(?s)ended at once.*events.interactions has 8 partitions, not 4"):
        system.start("interactions")
    grown = Workers(system.settings.model_copy(update={"partitions": 8}), system.stack.endpoints)
    with pytest.raises(StackError, match=r"(?s)state.signals has 4 partitions, not 8.*`sightline topics grow 8`"):
        grown.start("interactions")


def test_partitions_added_to_all_topics_and_to_the_setting_are_refused(system: System) -> None:
    (worker,) = system.start("items")
    system.workers.stop(worker)
    for topic in ALL:
        grow(system, topic.name, 8)
    grown = Workers(system.settings.model_copy(update={"partitions": 8}), system.stack.endpoints)
    with pytest.raises(StackError, match=r"state.signals has 8 partitions, but the state was made from 4.*grow 8`"):
        grown.start("items")


@pytest.mark.parametrize("name", ALL_WORKERS)
def test_no_worker_starts_on_topics_without_the_brokers_time(system: System, name: WorkerName) -> None:
    configure(system, "events.interactions", message_timestamp_type="CreateTime")
    with pytest.raises(StackError, match=r"events.interactions has message.timestamp.type=CreateTime.*--add-config"):
        system.start(name)


def test_no_worker_starts_on_a_redis_that_evicts(system: System) -> None:
    with (
        evicting(system, "volatile-lru"),
        pytest.raises(StackError, match="has maxmemory-policy=volatile-lru, not noeviction"),
    ):
        system.start("interactions")


def test_a_publishers_clock_in_seconds_makes_no_time_of_1970(system: System) -> None:
    """A running worker whose topic lost the broker's time."""
    (worker,) = system.start("interactions")
    configure(system, "events.interactions", message_timestamp_type="CreateTime")
    now_s = int(time.time())
    event = {"event_id": "e1", "type": "click", "user_id": "u1", "item_id": "i1", "occurred_at_ms": 1000 * now_s}
    producer = system.producer()
    producer.produce(system.topic("events.interactions"), json.dumps(event).encode(), b"u1", timestamp=now_s)
    producer.flush(30)
    eventually(lambda: bool(system.read("recommendations")), "the user has a list")
    (answer,) = system.read("recommendations")
    assert 0 <= json.loads(answer.value or b"")["timings_ms"]["queue"] < 60_000
    metrics = page(worker, "/metrics")[1]
    assert "sightline_clamped_times_total 1.0" in metrics
    (seconds,) = re.findall(r'^sightline_event_to_recommendation_seconds_sum{type="click"} (\S+)$', metrics, re.M)
    assert float(seconds) < 60
    shown = last_json(run("user", "show", "u1", "--json", variables=variables_of(system)))
    assert abs(datetime.fromisoformat(shown["last_at"]).timestamp() - now_s) < 60
