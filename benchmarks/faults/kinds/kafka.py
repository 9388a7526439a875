"""Faults of Kafka: its broker restarts, one of three is killed, the network fails, a topic is recreated or grows."""

import asyncio
import time

from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import CALM_S, System
from benchmarks.faults.traffic import Traffic
from deploy.workers import WorkerName, Workers
from streams.kafka.admin import create_topics
from streams.kafka.admin_client import connected_admin
from streams.replay.grow import grow_app
from streams.replay.rebuild import rebuild_state
from streams.wire.namespace import Namespace
from streams.wire.topics import INTERACTIONS, SIGNALS

AWAY_S = 10.0
SLOW_S = 0.1
#: Events sent to the recreated topic: fewer than the old topic had.
NEW_EVENTS = 100


def restart(system: System) -> float:
    """Kill the only broker and start it again 10 s later."""
    time.sleep(CALM_S)
    system.services.stack.kill("kafka")
    time.sleep(AWAY_S)
    system.services.stack.start("kafka")
    return _await_lists(system)


def kill_one_broker(system: System) -> float:
    """Kill one of three brokers: the others become leaders of its partitions, and every record has a second copy."""
    assert system.services.brokers is not None
    time.sleep(CALM_S)
    system.services.brokers.nodes[0].kill()
    recovered_s = _await_lists(system)
    time.sleep(CALM_S)
    system.services.brokers.nodes[0].launch()
    system.services.brokers.nodes[0].await_healthy()
    time.sleep(CALM_S)
    return recovered_s


def cut(system: System) -> float:
    """Close the connections of the workers and refuse new ones for 10 s while events come in."""
    time.sleep(CALM_S)
    proxy = system.services.proxies["kafka"]
    proxy.cut()
    time.sleep(AWAY_S)
    if system.lists.came_since(time.time() - AWAY_S / 2):
        raise Unmet("lists were published while no worker could reach Kafka: the fault had no effect")
    proxy.heal()
    return _await_lists(system)


def slow(system: System) -> float:
    """Delay every response of the broker by 100 ms."""
    proxy = system.services.proxies["kafka"]
    proxy.delay_s = SLOW_S
    time.sleep(AWAY_S)
    if not system.lists.came_since(time.time() - AWAY_S / 2):
        raise Unmet("no list was published while Kafka was slow")
    proxy.delay_s = 0.0
    return _await_lists(system)


def recreate_topic(system: System) -> float:
    """Delete and create the topic under running workers, which must refuse it until the state is rebuilt.

    Returns the seconds until they refuse it; the verification covers what follows.
    """
    time.sleep(CALM_S)
    system.traffic.stop()
    system.await_stored(system.ends())
    before = system.positions()
    topic = system.topic(INTERACTIONS)
    with connected_admin(system.services.kafka) as admin:
        admin.delete_topics([topic])
    create_topics(system.services.kafka, Namespace(system.settings.topic_prefix), system.settings.partitions, 1)
    begun = time.monotonic()
    # The earlier events are gone with the topic, so the verification starts with these.
    system.traffic = Traffic(system.services.kafka, topic, rate=1, seed=8)
    system.traffic.publish(NEW_EVENTS)
    system.await_that(
        lambda: any("sightline rebuild" in each for each in system.workers.restarts),
        "a worker refuses the recreated topic",
    )
    if system.positions() != before:
        raise Unmet("events of the new topic were applied to the state of the old one")
    refused_s = time.monotonic() - begun
    asyncio.run(rebuild_state(system.settings, system.services.kafka, system.services.redis))
    return refused_s


def grow_topic(system: System) -> float:
    """Double the partitions of the topic under load: workers must say so, and `topics grow` must lose nothing.

    Returns the seconds until every worker has said so; the verification is that of the app that it was moved to.
    """
    time.sleep(CALM_S)
    before = system.settings.partitions
    with connected_admin(system.services.kafka) as admin:
        admin.create_partitions({system.topic(INTERACTIONS): 2 * before})
    begun = time.monotonic()
    # One for each of the two workers: this topic has another number of partitions than the others.
    system.await_that(lambda: system.workers.total("sightline_broken_promises") >= 2, "every worker notices it")
    noticed_s = time.monotonic() - begun
    time.sleep(CALM_S)
    system.traffic.stop()
    system.await_stored(system.ends(SIGNALS), SIGNALS)
    names: tuple[WorkerName, ...] = ("interactions", "items")
    for name in names:
        system.workers.stop(name)
    grown = system.settings.model_copy(
        update={"topic_prefix": f"{system.settings.topic_prefix}grown.", "partitions": 2 * before}
    )
    into = Namespace(grown.topic_prefix)
    asyncio.run(grow_app(system.settings, system.services.kafka, into=into, partitions=grown.partitions))
    system.settings = grown
    system.workers.move(Workers(grown, system.services.seen_by_workers))
    system.workers.start("items")
    system.workers.start("interactions")
    return noticed_s


def _await_lists(system: System) -> float:
    """Seconds from now until each partition has a new list."""
    return system.await_lists(set(range(system.settings.partitions)), time.time())


FAULTS = (
    Fault("kafka-restarted", "the only broker killed, back after 10 s", restart, within_s=10),
    Fault(
        "kafka-broker-killed", "one of three brokers killed", kill_one_broker, within_s=30, needs=frozenset({"brokers"})
    ),
    Fault("kafka-cut", "no network to Kafka for 10 s", cut, within_s=10, needs=frozenset({"kafka proxy"})),
    Fault("topic-anew", "events.interactions deleted and created again", recreate_topic, within_s=90, refused=True),
    Fault("topic-grown", "partitions added to events.interactions, then moved", grow_topic, within_s=10),
    Fault("kafka-slow", "answers 100 ms late for 10 s", slow, within_s=10, needs=frozenset({"kafka proxy"})),
)
