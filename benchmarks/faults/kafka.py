"""Faults of Kafka: its only broker restarted, one of three killed, its network cut or slow."""

import asyncio
import time

from benchmarks.faults.fault import Fault, Unmet
from benchmarks.faults.system import CALM_S, System
from benchmarks.faults.traffic import Traffic
from streams.kafka.admin import create_topics
from streams.kafka.admin_client import connected_admin
from streams.replay.rebuild import rebuild_state
from streams.wire.topics import INTERACTIONS

AWAY_S = 10.0
SLOW_S = 0.1
#: Events that come to a topic that was made anew: fewer than the old one had.
LATER = 100


def restart(system: System) -> float:
    """SIGKILL the only broker, and start it again 10 s later."""
    time.sleep(CALM_S)
    system.services.stack.kill("kafka")
    time.sleep(AWAY_S)
    system.services.stack.start("kafka")
    return _back(system)


def kill_one_broker(system: System) -> float:
    """One of three: what it led is led by others, and every record has a second copy."""
    assert system.services.brokers is not None
    time.sleep(CALM_S)
    system.services.brokers.nodes[0].kill()
    recovered_s = _back(system)
    time.sleep(CALM_S)
    system.services.brokers.nodes[0].launch()
    system.services.brokers.nodes[0].await_healthy()
    time.sleep(CALM_S)
    return recovered_s


def cut(system: System) -> float:
    """The workers' connections end, and none is let through for 10 s; events come in meanwhile."""
    time.sleep(CALM_S)
    proxy = system.services.proxies["kafka"]
    proxy.cut()
    time.sleep(AWAY_S)
    if system.lists.came_since(time.time() - AWAY_S / 2):
        raise Unmet("lists came though no worker could reach Kafka: the fault did not strike")
    proxy.heal()
    return _back(system)


def slow(system: System) -> float:
    """Every answer of the broker comes 100 ms late."""
    proxy = system.services.proxies["kafka"]
    proxy.delay_s = SLOW_S
    time.sleep(AWAY_S)
    if not system.lists.came_since(time.time() - AWAY_S / 2):
        raise Unmet("no list was made while Kafka was slow")
    proxy.delay_s = 0.0
    return _back(system)


def make_topic_anew(system: System) -> float:
    """Deleted and made again under running workers: none of it is applied until the state is made anew, as they ask.

    Seconds until they refuse it; what follows is judged by the oracle.
    """
    time.sleep(CALM_S)
    system.traffic.stop()
    system.await_stored(system.ends())
    before = system.positions()
    topic = system.topic(INTERACTIONS)
    with connected_admin(system.services.kafka) as admin:
        admin.delete_topics([topic])
    create_topics(system.services.kafka, system.settings.topic_prefix, system.settings.partitions, 1)
    begun = time.monotonic()
    # Of the events before nothing is left to be judged by.
    system.traffic = Traffic(system.services.kafka, topic, rate=1, seed=8)
    system.traffic.publish(LATER)
    system.await_that(
        lambda: any("sightline rebuild" in each for each in system.workers.restarts),
        "a worker refuses a topic that was made anew",
    )
    if system.positions() != before:
        raise Unmet("events of the new topic were applied to the state of the old one")
    refused_s = time.monotonic() - begun
    asyncio.run(rebuild_state(system.settings, system.services.kafka, system.services.redis))
    return refused_s


def _back(system: System) -> float:
    """Seconds from now until each partition has a list again."""
    return system.await_lists(set(range(system.settings.partitions)), time.time())


FAULTS = (
    Fault("kafka-restarted", "the only broker killed, back after 10 s", restart, within_s=10),
    Fault(
        "kafka-broker-killed", "one of three brokers killed", kill_one_broker, within_s=30, needs=frozenset({"brokers"})
    ),
    Fault("kafka-cut", "no network to Kafka for 10 s", cut, within_s=10, needs=frozenset({"kafka proxy"})),
    Fault("topic-anew", "events.interactions deleted and made again", make_topic_anew, within_s=90, refused=True),
    Fault("kafka-slow", "answers 100 ms late for 10 s", slow, within_s=10, needs=frozenset({"kafka proxy"})),
)
