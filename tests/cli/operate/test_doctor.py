from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer  # type: ignore[import-untyped]  # ships no types
from kafka.admin import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]

from deploy.redis_server import ask
from deploy.workers import Workers
from features.item import key_of
from sightline_client.routing import partition_of
from state.signals import partition_of as partition_of_item
from streams.client import EventPublisher
from streams.events import ItemChange
from tests.cli.conftest import Run, last_json, run, run_here
from tests.conftest import RunningStack
from tests.e2e.conftest import eventually, read_log
from tests.harness.fakes import NOON


def findings(report: Any) -> dict[str, tuple[bool, str]]:
    return {one["check"]: (one["ok"], one["remedy"]) for one in report["findings"]}


def levels(report: Any) -> dict[str, str]:
    return {one["check"]: one["level"] for one in report["findings"]}


@contextmanager
def redis_with(stack: RunningStack, setting: str, value: str, good: str) -> Iterator[None]:
    ask(stack.endpoints.redis, "CONFIG", "SET", setting, value)
    try:
        yield
    finally:
        ask(stack.endpoints.redis, "CONFIG", "SET", setting, good)


def configure(stack: RunningStack, topic: str, setting: str, value: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=stack.endpoints.kafka)) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {setting: value})])


@pytest.mark.stack
def test_a_healthy_stack_is_all_ok_with_its_versions(command: Run) -> None:
    result = command("doctor", "--json")
    report = last_json(result)
    assert (result.returncode, report["ok"]) == (0, True)
    assert levels(report) == dict.fromkeys(("kafka", "redis", "triton", "encoder", "words", "topics", "keys"), "ok")
    assert all(report["versions"].values())


@pytest.mark.stack
def test_a_system_at_work_and_after_a_rebuild_is_all_ok(here: Run, stack: RunningStack, topic_prefix: str) -> None:
    """Items whose signals lie elsewhere than murmur2 of their keys says, as those of uploads do."""
    settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix, "partitions": 4})
    items = [f"i{n}" for n in range(20)]
    assert any(partition_of(item.encode(), 4) != partition_of_item(key_of(item), 4) for item in items)
    with Workers(settings, stack.endpoints).borrowed(("items",)):
        with EventPublisher(stack.endpoints.kafka, prefix=topic_prefix) as publisher:
            for item in items:
                publisher.publish(ItemChange(event_id=item, item_id=item, occurred_at_ms=NOON, price=1.0))
        growing = here("doctor")
        assert (growing.returncode, "WRONG" in growing.stdout) == (0, False), growing.stdout
        signals = f"{topic_prefix}state.signals"
        eventually(lambda: len(read_log(stack.endpoints.kafka, signals, 4)) == 20, "the changes are signals")
        assert here("doctor").returncode == 0
    assert here("rebuild").returncode == 0
    result = here("doctor", "--json")
    assert result.returncode == 0
    assert set(levels(last_json(result)).values()) == {"ok"}


@pytest.mark.stack
def test_a_triton_that_is_away_is_a_warning(here: Run, variables: dict[str, str]) -> None:
    result = run_here("doctor", "--json", variables=variables | {"triton": "127.0.0.1:1"})
    report = last_json(result)
    assert (result.returncode, report["ok"]) == (0, True)
    assert levels(report) == {"kafka": "ok", "redis": "ok", "triton": "warning", "topics": "ok", "keys": "ok"}
    assert findings(report)["triton"] == (False, "start it, or correct SIGHTLINE_TRITON")


@pytest.mark.stack
def test_missing_topics_are_found(variables: dict[str, str]) -> None:
    result = run_here("doctor", "--json", variables=variables)
    assert result.returncode == 1
    assert findings(last_json(result))["topics"] == (False, "run `sightline topics create`")


@pytest.mark.stack
def test_a_dangerous_setting_is_wrong_and_an_unwise_one_a_warning(
    here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    configure(stack, f"{topic_prefix}recommendations", "cleanup.policy", "delete")
    unwise = f"warning topics: {topic_prefix}recommendations has cleanup.policy=delete"
    # The broker takes a moment to say what it was told.
    eventually(lambda: unwise in here("doctor").stdout, "the unwise setting is a warning")
    assert here("doctor").returncode == 0
    configure(stack, f"{topic_prefix}events.items", "message.timestamp.type", "CreateTime")
    dangerous = f"WRONG   topics: {topic_prefix}events.items has message.timestamp.type=CreateTime"
    eventually(lambda: dangerous in here("doctor").stdout, "the dangerous setting is wrong")
    assert here("doctor").returncode == 1


@pytest.mark.stack
def test_a_redis_that_evicts_is_found(here: Run, stack: RunningStack) -> None:
    with redis_with(stack, "maxmemory-policy", "allkeys-lru", "noeviction"):
        result = here("doctor")
    assert result.returncode == 1
    assert "has maxmemory-policy=allkeys-lru, not noeviction" in result.stdout


@pytest.mark.stack
def test_a_redis_that_logs_no_writes_is_a_warning(here: Run, stack: RunningStack) -> None:
    with redis_with(stack, "appendonly", "no", "yes"):
        result = here("doctor", "--json")
    report = last_json(result)
    assert (result.returncode, levels(report)["redis"]) == (0, "warning")


@pytest.mark.stack
def test_a_missing_encoder_is_found(here: Run, variables: dict[str, str]) -> None:
    result = run_here("doctor", "--json", variables=variables | {"encoder": "no_such_model"})
    ok, remedy = findings(last_json(result))["encoder"]
    assert (result.returncode, ok) == (1, False)
    assert "sightline export-model" in remedy


@pytest.mark.stack
def test_a_publisher_with_another_hash_is_found(here: Run, stack: RunningStack, topic_prefix: str) -> None:
    elsewhere = (partition_of(b"u1", 4) + 1) % 4
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    producer.send(f"{topic_prefix}events.interactions", key=b"u1", value=b"{}", partition=elsewhere).get(20)
    producer.close()
    result = here("doctor")
    assert result.returncode == 1
    assert f"1 of 1 recent records lie on the wrong partition, such as {topic_prefix}events" in result.stdout
    assert "partitioner=murmur2_random" in result.stdout


@pytest.mark.stack
def test_unknown_fields_of_recent_events_are_named_and_nothing_is_wrong(
    here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    value = b'{"event_id":"s","item_id":"i1","occurred_at_ms":1,"prise":5}'
    producer.send(f"{topic_prefix}events.items", key=b"i1", value=value).get(20)
    producer.close()
    result = here("doctor")
    assert result.returncode == 0
    assert "fields that are unknown here and ignored: 'prise' on events.items (1)" in result.stdout


def test_a_kafka_elsewhere_that_does_not_answer_is_found(tmp_path: Any) -> None:
    result = run_here("doctor", "--json", variables={"home": str(tmp_path), "kafka": "127.0.0.1:1"})
    assert result.returncode == 1
    assert findings(last_json(result))["kafka"] == (False, "start it, or correct SIGHTLINE_KAFKA")


def test_doctor_starts_nothing(tmp_path: Any) -> None:
    result = run("doctor", "--json", variables={"home": str(tmp_path)})
    assert result.returncode == 1
    assert findings(last_json(result)) == {
        "kafka": (False, "run `sightline up`"),
        "redis": (False, "run `sightline up`"),
        "triton": (False, "run `sightline up`"),
    }
