from typing import Any

import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from sightline_client.routing import partition_of
from tests.cli.conftest import Run, last_json, run
from tests.conftest import RunningStack


def findings(report: Any) -> dict[str, tuple[bool, str]]:
    return {one["check"]: (one["ok"], one["remedy"]) for one in report["findings"]}


@pytest.mark.stack
def test_a_healthy_stack_is_all_ok_with_its_versions(command: Run) -> None:
    result = command("doctor", "--json")
    report = last_json(result)
    assert (result.returncode, report["ok"]) == (0, True)
    assert set(findings(report)) == {"kafka", "redis", "triton", "encoder", "topics", "keys"}
    assert all(report["versions"].values())


@pytest.mark.stack
def test_missing_topics_are_found(variables: dict[str, str]) -> None:
    result = run("doctor", "--json", variables=variables)
    assert result.returncode == 1
    assert findings(last_json(result))["topics"] == (False, "run `sightline topics create`")


@pytest.mark.stack
def test_a_missing_encoder_is_found(command: Run, variables: dict[str, str]) -> None:
    result = run("doctor", "--json", variables=variables | {"encoder": "no_such_model"})
    ok, remedy = findings(last_json(result))["encoder"]
    assert (result.returncode, ok) == (1, False)
    assert "sightline export-model" in remedy


@pytest.mark.stack
def test_a_publisher_with_another_hash_is_found(command: Run, stack: RunningStack, topic_prefix: str) -> None:
    elsewhere = (partition_of(b"u1", 4) + 1) % 4
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    producer.send(f"{topic_prefix}events.interactions", key=b"u1", value=b"{}", partition=elsewhere).get(20)
    producer.close()
    result = command("doctor")
    assert result.returncode == 1
    assert f"1 of 1 recent records lie on the wrong partition, such as {topic_prefix}events" in result.stdout
    assert "partitioner=murmur2_random" in result.stdout


@pytest.mark.stack
def test_unknown_fields_of_recent_events_are_named_and_nothing_is_wrong(
    command: Run, stack: RunningStack, topic_prefix: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    value = b'{"event_id":"s","item_id":"i1","occurred_at_ms":1,"prise":5}'
    producer.send(f"{topic_prefix}events.items", key=b"i1", value=value).get(20)
    producer.close()
    result = command("doctor")
    assert result.returncode == 0
    assert "fields that are unknown here and ignored: 'prise' on events.items (1)" in result.stdout


def test_a_kafka_elsewhere_that_does_not_answer_is_found(tmp_path: Any) -> None:
    result = run("doctor", "--json", variables={"home": str(tmp_path), "kafka": "127.0.0.1:1"})
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
