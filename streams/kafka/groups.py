"""Consumer groups: what members they have, and how far they have handled a topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import stamina
from kafka.errors import (  # type: ignore[import-untyped]  # ships no types
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
)

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import WorkersRun
from streams.kafka.admin_client import AdminConnection, connected_admin
from streams.wire.namespace import Namespace

COORDINATOR_S: Final = 30.0
#: The first request about any group makes Kafka create the topic of the committed offsets, and elect its leaders.
_NOT_YET: Final = (CoordinatorNotAvailableError, NotCoordinatorError)
_WORKERS: Final = ("interactions", "uploads", "items", "learning")


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group as its coordinator sees it.

    `state` is Kafka's name for it, such as Stable, Empty or Dead; `members` gives the (topic, partition) pairs of each
    member id.
    """

    state: str
    members: Mapping[str, frozenset[tuple[str, int]]]


def read_group(connection: AdminConnection, name: str) -> Group:
    """Describe a group, which is Dead if it does not exist; raises BrokerUnavailable."""

    def describe(client: Any) -> Group:
        for attempt in stamina.retry_context(on=_NOT_YET, attempts=None, timeout=COORDINATOR_S):
            with attempt:
                found = client.describe_groups([name])[name]
        state: str = found["group_state"]
        if found["error"] and state != "Dead":
            raise KafkaError(found["error"])
        return Group(state, {member["member_id"]: _partitions(member) for member in found["members"]})

    return connection.call(describe)


def refuse_running(connection: AdminConnection, namespace: Namespace) -> None:
    """Raise WorkersRun while any worker of an app runs; raises BrokerUnavailable."""
    members = {name: len(read_group(connection, namespace.group(name)).members) for name in _WORKERS}
    if running := [f"{count} {name}" for name, count in members.items() if count]:
        raise WorkersRun(
            f"workers are running ({', '.join(running)}). Stop them (`sightline down` stops those of this machine), "
            "then try again. Nothing was changed"
        )


def read_handled(bootstrap: str, group: str, topic: str, *, security: KafkaSecurity = PLAINTEXT) -> dict[int, int]:
    """The last offset that a group has handled, by partition; a partition without a committed offset is left out."""
    with connected_admin(bootstrap, security) as admin:
        for attempt in stamina.retry_context(on=_NOT_YET, attempts=None, timeout=COORDINATOR_S):
            with attempt:
                found = admin.list_group_offsets({group: None})[group]
    return {p.partition: known.offset - 1 for p, known in found.items() if p.topic == topic and known.offset >= 0}


def _partitions(member: Mapping[str, Any]) -> frozenset[tuple[str, int]]:
    # A member that has just joined has an empty assignment: no bytes rather than an encoded one.
    assigned = (member["member_assignment"] or {"assigned_partitions": []})["assigned_partitions"]
    return frozenset((each["topic"], partition) for each in assigned for partition in each["partitions"])
