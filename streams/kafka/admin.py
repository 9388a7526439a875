"""Topic administration: create the topics, compare them with their definition, find misrouted keys."""

from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # ships no types
from kafka.admin import OffsetSpec  # type: ignore[import-untyped]
from kafka.errors import TopicAlreadyExistsError, for_code  # type: ignore[import-untyped]

from sightline_client.connection import connecting
from sightline_client.routing import partition_of
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.admin_client import TIMEOUT_S, connected_admin
from streams.kafka.continuity import Log
from streams.kafka.log_reader import Extent, KafkaLogReader
from streams.kafka.topic_facts import read_topic_facts
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.promises import Broken, broken_by_topics
from streams.wire.records import Record

Isolation: TypeAlias = Literal["read_committed", "read_uncommitted"]

#: A busy machine needs this long until all partitions of new topics have a leader; usually it takes a moment.
LEADERS_S: Final = 60.0
#: Records of each partition that `recent_records` reads.
SAMPLE: Final = 20


@dataclass(frozen=True, slots=True)
class CreatedTopics:
    """The names of the topics that `create_topics` created, and of those that existed before."""

    created: list[str]
    existing: list[str]


@dataclass(frozen=True, slots=True)
class Misrouted:
    """A record in another partition than murmur2 of its key gives; `expected` is that partition."""

    topic: str
    partition: int
    offset: int
    expected: int


def create_topics(
    bootstrap: str, namespace: Namespace, partitions: int, replication: int, *, security: KafkaSecurity = PLAINTEXT
) -> CreatedTopics:
    """Create the missing topics and wait until they have leaders; existing topics stay as they are.

    Raises BrokerUnavailable, and AccessRefused where this user may not create them.
    """
    with connected_admin(bootstrap, security) as admin:
        present = set(admin.list_topics())
        wanted = {namespace.topic(topic): topic for topic in topics.ALL}
        missing = [name for name in wanted if name not in present]
        if missing:
            response = admin.create_topics(
                {
                    name: {
                        "num_partitions": wanted[name].count(partitions),
                        "replication_factor": replication,
                        "configs": wanted[name].config,
                    }
                    for name in missing
                },
                raise_errors=False,
            )
            _refuse_errors(response["topics"])
            admin.wait_for_topics(missing, timeout_ms=1000 * LEADERS_S)
        return CreatedTopics(missing, [name for name in wanted if name in present])


def check_topics(
    bootstrap: str, namespace: Namespace, partitions: int, *, security: KafkaSecurity = PLAINTEXT
) -> list[Broken]:
    """Compare each topic with what we need of it; raises BrokerUnavailable."""
    with connected_admin(bootstrap, security) as admin:
        found = read_topic_facts(admin, list(map(namespace.topic, topics.ALL)))
    return broken_by_topics(found, namespace, partitions, username=security.username if security.sasl else None)


def broker_version(bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> str:
    """The Kafka version of the cluster, such as "4.1"; raises BrokerUnavailable."""
    with connecting(bootstrap, security):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=round(1000 * TIMEOUT_S),
            metrics_enabled=False,
            **security.python_options(),
        )
        version: tuple[int, ...] = consumer.config["api_version"]
        consumer.close()
    return ".".join(map(str, version))


def cluster_id(bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> str:
    """The id that Kafka gave the cluster when it was set up; raises BrokerUnavailable."""
    with connected_admin(bootstrap, security) as admin:
        return str(admin.describe_cluster()["cluster_id"])


def read_log(
    bootstrap: str, topic: str, *, security: KafkaSecurity = PLAINTEXT, isolation: Isolation = "read_uncommitted"
) -> Log:
    """The id of a topic and the offsets that its partitions hold; raises BrokerUnavailable.

    With `read_committed` a partition ends where its first open transaction begins.
    """
    with connected_admin(bootstrap, security) as admin:
        (found,) = admin.describe_topics([topic])
        if found["error_code"]:
            raise BrokerUnavailable.no_topic(topic)
        partitions = [TopicPartition(topic, one["partition_index"]) for one in found["partitions"]]
        first = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST), isolation)
    return Log(
        topic, str(found["topic_id"]), {p.partition: Extent(first[p].offset, ends[p].offset) for p in partitions}
    )


def find_misrouted(
    bootstrap: str, namespace: Namespace, *, security: KafkaSecurity = PLAINTEXT
) -> tuple[int, list[Misrouted]]:
    """Read the last records of each partition of the topics whose readers rely on murmur2 of the key.

    Returns the number of records with a key, and those of them that are misrouted. Raises BrokerUnavailable, and
    AccessRefused where this user may not read one of the topics.
    """
    keyed = [namespace.topic(topic) for topic in topics.ALL if topic.murmur2]
    read, wrong = 0, []
    for record, count in recent_records(bootstrap, keyed, security=security):
        if record.key is None:
            continue
        read += 1
        expected = partition_of(record.key, count)
        if record.partition != expected:
            wrong.append(Misrouted(record.topic, record.partition, record.offset, expected))
    return read, wrong


def recent_records(
    bootstrap: str, names: Collection[str], *, security: KafkaSecurity = PLAINTEXT
) -> Iterator[tuple[Record, int]]:
    """The last records of every partition of these topics, at most SAMPLE of each, and the topic's partition count.

    Topics that do not exist have none. Raises BrokerUnavailable, and AccessRefused where this user may not read one.
    """
    with connected_admin(bootstrap, security) as admin:
        counts = {name: facts.partitions for name, facts in read_topic_facts(admin, names).items()}
    with closing(KafkaLogReader(bootstrap, security=security)) as log:
        for name, count in counts.items():
            for partition in range(count):
                extent = log.extent(name, partition)
                for record in log.read(name, partition, max(extent.first, extent.end - SAMPLE), extent.end):
                    yield record, count


def _refuse_errors(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        error = for_code(answer["error_code"])
        # Another `topics create` may run at the same moment.
        if answer["error_code"] and error is not TopicAlreadyExistsError:
            raise BrokerUnavailable(
                f"Kafka refused to create {answer['name']}: {answer.get('error_message') or error.__name__}"
            )
