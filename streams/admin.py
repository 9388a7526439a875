"""The topics as they should be: made, compared with the cluster, and searched for misrouted keys."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import stamina
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # no types
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    CoordinatorNotAvailableError,
    TopicAlreadyExistsError,
    for_code,
)

from streams import topics
from streams.connection import connecting
from streams.errors import BrokerUnavailable
from streams.log_bounds import Log
from streams.routing import partition_of
from streams.security import PLAINTEXT, KafkaSecurity
from streams.topic_log import Extent

CONNECT_MS: Final = 5_000
COORDINATOR_S: Final = 30.0
SAMPLE: Final = 20
SAMPLE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class CreatedTopics:
    """What `create_topics` made and what was there before."""

    created: list[str]
    existing: list[str]


@dataclass(frozen=True, slots=True)
class TopicDifference:
    """One way in which a topic is not as it should be; `text` says which, and what to do."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Misrouted:
    """A record on a partition that murmur2 of its key does not give."""

    topic: str
    partition: int
    offset: int
    expected: int


def create_topics(
    bootstrap: str, prefix: str, partitions: int, replication: int, *, security: KafkaSecurity = PLAINTEXT
) -> CreatedTopics:
    """Create the topics that are missing and wait until they have leaders; existing ones are not changed."""
    with _admin(bootstrap, security) as admin:
        present = set(admin.list_topics())
        wanted = {prefix + topic.name: topic for topic in topics.ALL}
        missing = [name for name in wanted if name not in present]
        if missing:
            response = admin.create_topics(
                {
                    name: {
                        "num_partitions": partitions,
                        "replication_factor": replication,
                        "configs": wanted[name].config,
                    }
                    for name in missing
                },
                raise_errors=False,
            )
            _refuse_errors(response["topics"])
            admin.wait_for_topics(missing)
        return CreatedTopics(missing, [name for name in wanted if name in present])


def check_topics(
    bootstrap: str, prefix: str, partitions: int, *, security: KafkaSecurity = PLAINTEXT
) -> list[TopicDifference]:
    """Compare every topic with its definition: existence, partition count, settings."""
    with _admin(bootstrap, security) as admin:
        wanted = {prefix + topic.name: topic for topic in topics.ALL}
        found = {name: count for name, count in _partition_counts(admin).items() if name in wanted}
        settings = _settings(admin, list(found))
    differences = []
    for name, topic in wanted.items():
        if name not in found:
            differences.append(TopicDifference(name, "is missing: run `sightline topics create`"))
            continue
        if found[name] != partitions:
            differences.append(TopicDifference(name, _wrong_count(found[name], partitions)))
        differences += [
            TopicDifference(
                name, f"has {key}={settings[name].get(key)}, not {value}: set it with kafka-configs.sh --alter"
            )
            for key, value in topic.config.items()
            if _normal(settings[name].get(key)) != _normal(value)
        ]
    return differences


def broker_version(bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> str:
    """The Kafka version of the cluster, such as "4.1"; raises BrokerUnavailable."""
    with _reader(bootstrap, security) as consumer:
        version: tuple[int, ...] = consumer.config["api_version"]
        return ".".join(map(str, version))


def read_log(bootstrap: str, topic: str, *, security: KafkaSecurity = PLAINTEXT) -> Log:
    """A topic's id and what its partitions hold; raises BrokerUnavailable."""
    with _admin(bootstrap, security) as admin:
        (found,) = admin.describe_topics([topic])
        if found["error_code"]:
            raise BrokerUnavailable.no_topic(topic)
        partitions = [TopicPartition(topic, one["partition_index"]) for one in found["partitions"]]
        first = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    return Log(
        topic, str(found["topic_id"]), {p.partition: Extent(first[p].offset, ends[p].offset) for p in partitions}
    )


def read_handled(bootstrap: str, group: str, topic: str, *, security: KafkaSecurity = PLAINTEXT) -> dict[int, int]:
    """The last offset of each partition that a group has handled, where Kafka was told of one."""
    with _admin(bootstrap, security) as admin:
        # The first question about any group has Kafka set up where it keeps that.
        for attempt in stamina.retry_context(on=CoordinatorNotAvailableError, attempts=None, timeout=COORDINATOR_S):
            with attempt:
                found = admin.list_group_offsets({group: None})[group]
    return {p.partition: known.offset - 1 for p, known in found.items() if p.topic == topic and known.offset >= 0}


def find_misrouted(bootstrap: str, prefix: str, *, security: KafkaSecurity = PLAINTEXT) -> tuple[int, list[Misrouted]]:
    """Read the last records of each partition of the keyed topics back: how many, and which lie wrongly."""
    names = [prefix + topic.name for topic in topics.ALL if topic is not topics.DEAD_LETTERS]
    read, wrong = 0, []
    with _reader(bootstrap, security) as consumer:
        counts = {name: len(consumer.partitions_for_topic(name) or ()) for name in names}
        for record in _last_records(consumer, counts):
            read += 1
            expected = partition_of(record.key, counts[record.topic])
            if record.partition != expected:
                wrong.append(Misrouted(record.topic, record.partition, record.offset, expected))
    return read, wrong


def _last_records(consumer: Any, counts: dict[str, int]) -> Iterator[Any]:
    """Up to SAMPLE records with a key from the end of every partition, within SAMPLE_S seconds."""
    assigned = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
    if not assigned:
        return
    first, ends = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
    open_ends = {partition: end for partition, end in ends.items() if end > first[partition]}
    consumer.assign(list(open_ends))
    for partition, end in open_ends.items():
        consumer.seek(partition, max(first[partition], end - SAMPLE))
    deadline = time.monotonic() + SAMPLE_S
    while open_ends and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=100).values():
            yield from (record for record in records if record.key is not None)
        open_ends = {p: end for p, end in open_ends.items() if consumer.position(p) < end}


@contextmanager
def _admin(bootstrap: str, security: KafkaSecurity) -> Iterator[Any]:
    with connecting(bootstrap, security):
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap, bootstrap_timeout_ms=CONNECT_MS, **security.python_options()
        )
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def _reader(bootstrap: str, security: KafkaSecurity) -> Iterator[Any]:
    with connecting(bootstrap, security):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=CONNECT_MS,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **security.python_options(),
        )
        try:
            yield consumer
        finally:
            consumer.close()


def _refuse_errors(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        error = for_code(answer["error_code"])
        # Another `topics create` at the same moment is no fault.
        if answer["error_code"] and error is not TopicAlreadyExistsError:
            raise BrokerUnavailable(
                f"Kafka refused to create {answer['name']}: {answer.get('error_message') or error.__name__}"
            )


def _partition_counts(admin: Any) -> dict[str, int]:
    return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}


def _settings(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answer = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names], config_filter="all"
    )
    return {name: {key: entry["value"] for key, entry in entries.items()} for name, entries in answer["topic"].items()}


def _wrong_count(found: int, wanted: int) -> str:
    return (
        f"has {found} partitions, not {wanted}: set SIGHTLINE_PARTITIONS={found} if that is intended "
        "(a key's partition depends on the count, so it must never change under a running system)"
    )


def _normal(value: str | None) -> set[str]:
    """`compact,delete` and `delete,compact` are the same policy."""
    return set((value or "").split(","))
