"""Waits until all members of a consumer group have partitions."""

import time

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from streams.errors import BrokerUnavailable

_INTERVAL_S = 0.2
_TIMEOUT_S = 10.0


def await_members(kafka: str, group: str, count: int, *, patience_s: float = 60.0) -> None:
    """Return when the group has `count` members, each with partitions; raises BrokerUnavailable."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
    deadline = time.monotonic() + patience_s
    while True:
        found = "Kafka has not described it"
        try:
            described = admin.describe_consumer_groups([group])[group].result(_TIMEOUT_S)
            shares = sorted(len(member.assignment.topic_partitions) for member in described.members)
            if described.state == ConsumerGroupState.STABLE and len(shares) == count and shares[0] > 0:
                return
            found = f"it is {described.state.name}, and its members have {shares} partitions"
        except KafkaException as error:
            found = str(error)
        if time.monotonic() > deadline:
            raise BrokerUnavailable(
                f"group {group} has not become {count} members with partitions after {patience_s:.0f} s: {found}"
            )
        time.sleep(_INTERVAL_S)
