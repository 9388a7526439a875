"""Waits until all members of a consumer group have partitions."""

import time
from contextlib import closing

from streams.errors import BrokerUnavailable
from streams.kafka.admin_client import AdminConnection
from streams.kafka.groups import read_group

_LOOK_S = 0.2


def await_members(kafka: str, group: str, count: int, *, patience_s: float = 60.0) -> None:
    """Return when the group has `count` members, each with partitions; raises BrokerUnavailable."""
    deadline = time.monotonic() + patience_s
    with closing(AdminConnection(kafka)) as connection:
        while True:
            try:
                described = read_group(connection, group)
                shares = sorted(map(len, described.members.values()))
                if described.state == "Stable" and len(shares) == count and shares[0] > 0:
                    return
                found = f"it is {described.state}, its members have {shares} partitions"
            except BrokerUnavailable as error:
                found = str(error)
            if time.monotonic() > deadline:
                raise BrokerUnavailable(f"group {group} has not {count} members after {patience_s:.0f} s: {found}")
            time.sleep(_LOOK_S)
