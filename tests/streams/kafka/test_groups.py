import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import KafkaConsumer  # type: ignore[import-untyped]  # ships no types

from streams.errors import BrokerUnavailable, WorkersRun
from streams.kafka.admin_client import AdminConnection, connected_admin
from streams.kafka.groups import Group, read_group, read_handled, refuse_running
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack


@pytest.fixture
def connection(stack: RunningStack) -> Iterator[AdminConnection]:
    with closing(AdminConnection(stack.endpoints.kafka)) as made:
        yield made


@pytest.mark.stack
def test_a_group_has_its_members_with_their_partitions_and_what_they_have_handled(
    stack: RunningStack, connection: AdminConnection, topic_prefix: str
) -> None:
    kafka, topic, name = stack.endpoints.kafka, f"{topic_prefix}log", f"{topic_prefix}group"
    with connected_admin(kafka) as admin:
        admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    assert read_handled(kafka, name, topic) == {}

    consumer = KafkaConsumer(topic, bootstrap_servers=kafka, group_id=name, enable_auto_commit=False)
    until_s = time.monotonic() + 90
    while not consumer.assignment():
        assert time.monotonic() < until_s, "the group gives no partitions"
        consumer.poll(timeout_ms=100)
    group = read_group(connection, name)
    consumer.commit()
    consumer.close()

    assert group.state == "Stable"
    assert list(group.members.values()) == [frozenset({(topic, 0), (topic, 1)})]
    assert read_handled(kafka, name, topic) == {0: -1, 1: -1}
    assert read_group(connection, name) == Group("Empty", {})


@pytest.mark.stack
def test_a_group_that_does_not_exist_is_dead(connection: AdminConnection, topic_prefix: str) -> None:
    assert read_group(connection, f"{topic_prefix}nobody") == Group("Dead", {})


def test_a_group_of_a_kafka_that_cannot_be_reached_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable):
        read_group(AdminConnection("127.0.0.1:1"), "group")


def test_workers_that_run_are_refused_by_name_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    namespace, groups = Namespace("p."), dict[str, Group]()
    monkeypatch.setattr("streams.kafka.groups.read_group", lambda _, name: groups.get(name, Group("Dead", {})))
    refuse_running(AdminConnection("127.0.0.1:1"), namespace)

    groups[namespace.group("items")] = Group("Stable", {"m1": frozenset(), "m2": frozenset()})
    with pytest.raises(WorkersRun, match=r"are running \(2 items\)\. Stop them .* Nothing was changed"):
        refuse_running(AdminConnection("127.0.0.1:1"), namespace)
