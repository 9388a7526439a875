"""Faults of publishers with transactions: they abort, stay open, and leave markers at the end of idle logs."""

import time
from contextlib import closing

from confluent_kafka import Producer

from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import CALM_S, System
from streams.kafka.log_reader import KafkaLogReader
from streams.wire.events import Interaction, encode
from streams.wire.topics import INTERACTIONS, RECOMMENDATIONS
from streams.worker.liveness import ASK_EVERY_S, STUCK_S

ABORTED = 20
OPEN_S = 10.0
#: In this time a worker that took markers for events would be restarted.
IDLE_S = STUCK_S + 2 * ASK_EVERY_S
_USERS = 16
_DEADLINE_S = 30.0


def abort(system: System) -> float:
    """Abort twenty transactions under load: no user of theirs gets a list, and their offsets hold nobody up."""
    time.sleep(CALM_S)
    publisher = _Publisher(system, "taken-back")
    for number in range(ABORTED):
        publisher.begin(number)
        publisher.abort()
    recovered_s = system.await_stored(system.ends())
    _check_no_lists(system, "taken-back")
    return recovered_s


def stay_open(system: System) -> float:
    """Keep a transaction open under load: all later events wait, no worker is restarted, then all is answered."""
    time.sleep(CALM_S)
    publisher = _Publisher(system, "late")
    publisher.begin(0)
    time.sleep(OPEN_S)
    system.workers.check_alive()
    _check_no_lists(system, "late")
    if not system.workers.total("sightline_held_back_seconds"):
        raise Unmet("no worker noticed the open transaction")
    publisher.commit()
    recovered_s = system.await_stored(system.ends())
    if not _lists_of(system, "late"):
        raise Unmet("a committed transaction led to no list")
    return recovered_s


def idle(system: System) -> float:
    """Leave markers as the last offsets of all partitions: an idle worker has no lag and stays alive."""
    time.sleep(CALM_S)
    system.traffic.stop()
    publisher = _Publisher(system, "kept")
    publisher.begin(0)
    publisher.commit()
    publisher.begin(1)
    publisher.abort()
    recovered_s = system.await_stored(system.ends())
    time.sleep(IDLE_S)
    system.workers.check_alive()
    if lag := system.workers.total("sightline_consumer_lag_records"):
        raise Unmet(f"an idle worker says that {lag:.0f} records wait")
    return recovered_s


class _Publisher:
    """A publisher with transactions of one click for each of its users, who are on all partitions."""

    def __init__(self, system: System, user: str) -> None:
        self._topic = system.topic(INTERACTIONS)
        self._user = user
        self._producer = Producer(
            {
                "bootstrap.servers": system.services.kafka,
                "partitioner": "murmur2_random",
                "transactional.id": f"{self._topic}-{user}",
            }
        )
        self._producer.init_transactions(_DEADLINE_S)

    def begin(self, number: int) -> None:
        """Send clicks in a transaction that neither commits nor aborts yet."""
        self._producer.begin_transaction()
        for user in (f"{self._user}-{each}" for each in range(_USERS)):
            event = Interaction(
                event_id=f"{user}-{number}",
                type="click",
                user_id=user,
                item_id=f"item-{number}",
                occurred_at_ms=time.time_ns() // 1_000_000,
            )
            self._producer.produce(self._topic, key=user, value=encode(event))
        self._producer.flush(_DEADLINE_S)

    def commit(self) -> None:
        self._producer.commit_transaction(_DEADLINE_S)

    def abort(self) -> None:
        self._producer.abort_transaction(_DEADLINE_S)


def _check_no_lists(system: System, user: str) -> None:
    if lists := _lists_of(system, user):
        raise Unmet(f"{lists} lists answer clicks that are not committed")


def _lists_of(system: System, user: str) -> int:
    """The number of lists for users whose name begins so."""
    topic = system.topic(RECOMMENDATIONS)
    with closing(KafkaLogReader(system.services.kafka)) as log:
        extents = {partition: log.extent(topic, partition) for partition in range(system.settings.partitions)}
        return sum(
            (record.key or b"").startswith(user.encode())
            for partition, extent in extents.items()
            for record in log.read(topic, partition, extent.first, extent.end)
        )


FAULTS = (
    Fault("transactions-aborted", "twenty transactions aborted under load", abort, within_s=15),
    Fault("transaction-open", "a transaction open for 10 s under load", stay_open, within_s=15),
    Fault("transactions-idle", "markers at the end of idle partitions for 50 s", idle, within_s=15),
)
