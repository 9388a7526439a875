"""A publisher that uses transactions: an aborted one makes no list, and the markers of its log hold up nothing."""

import time
from collections.abc import Iterator

from confluent_kafka import Producer

from benchmarks.field.case import Case, equal
from benchmarks.field.system import System, arrived, await_that, click

#: Longer than a worker without progress is taken for a living one.
IDLE_S = 60.0


def transaction_cases(system: System) -> Iterator[Case]:
    """T1 and T3."""
    topic = f"{system.settings.topic_prefix}events.interactions"
    publisher = Producer(
        {"bootstrap.servers": system.endpoints.kafka, "partitioner": "murmur2_random", "transactional.id": "field"}
    )
    publisher.init_transactions(30)
    for user, end in (("kept", publisher.commit_transaction), ("taken-back", publisher.abort_transaction)):
        publisher.begin_transaction()
        for number in range(5):
            publisher.produce(topic, key=user, value=click(user, f"i{number}", f"{user}-{number}"))
        publisher.flush(30)
        time.sleep(0.6)
        end(30)
    await_that(lambda: "kept" in arrived(system, ["kept"]))
    time.sleep(3)
    yield equal(
        "T1 a transaction is kept, one taken back: lists for", {"kept"}, arrived(system, ["kept", "taken-back"])
    )
    time.sleep(IDLE_S)
    yield equal(f"T3 {IDLE_S:.0f} idle seconds later: /healthz", 200, system.probe("interactions", "/healthz")[0])
    _, text = system.probe("interactions", "/metrics")
    lines = [line for line in text.splitlines() if line.startswith("sightline_consumer_lag_records{")]
    yield equal("T3 … lag of the interactions worker", 0.0, sum(float(line.rpartition(" ")[2]) for line in lines))
