"""Faults of workers: killed, frozen, told to end, more and fewer of them."""

import time

from benchmarks.faults.fault import Fault, Unmet
from benchmarks.faults.system import CALM_S, System
from deploy.workers import WorkerName
from streams.wire.topics import INTERACTIONS

#: Longer than the session timeout of 10 s: the group has given the frozen worker's partitions to another.
FROZEN_S = 20.0
SIGTERM_S = 10.0
KILL_EVERY_S = 10.0


def kill_one_of_two(system: System) -> float:
    """SIGKILL in the middle of the work: until each of its partitions has a list by the other one."""
    time.sleep(CALM_S)
    orphaned = system.workers.partitions("interactions", 2, system.topic(INTERACTIONS))
    if not orphaned:
        raise Unmet("the second worker had no partitions")
    system.workers.kill("interactions", 2)
    return system.await_lists(orphaned, time.time())


def kill_again_and_again(system: System) -> float:
    """SIGKILL every 10 s, at once replaced; now and then it is the items worker. The longest time without a list."""
    worst_s = 0.0
    until = time.monotonic() + 60 * system.minutes
    number = 0
    while time.monotonic() < until:
        begun = time.monotonic()
        number += 1
        name: WorkerName = "items" if number % 3 == 0 else "interactions"
        killed_s = time.time()
        system.workers.kill(name)
        system.workers.start(name)
        worst_s = max(worst_s, system.await_lists(set(range(system.settings.partitions)), killed_s))
        time.sleep(max(begun + KILL_EVERY_S - time.monotonic(), 0))
    return worst_s


def freeze_and_thaw(system: System) -> float:
    """SIGSTOP until another has taken over, then SIGCONT: what it still wants to store must be refused."""
    time.sleep(CALM_S)
    system.workers.pause("interactions", 2)
    time.sleep(FROZEN_S)
    thawed_s = time.time()
    system.workers.resume("interactions", 2)
    recovered_s = system.await_lists(set(range(system.settings.partitions)), thawed_s)
    # It takes partitions again only after it has heard that they were taken away.
    system.await_that(
        lambda: bool(system.workers.partitions("interactions", 2, system.topic(INTERACTIONS))),
        "the thawed worker has partitions again",
    )
    time.sleep(CALM_S)
    return recovered_s


def end_under_load(system: System) -> float:
    """SIGTERM: it stores what it has, leaves its group, and ends with 0."""
    time.sleep(CALM_S)
    took_s, status = system.workers.stop("interactions")
    if status != 0:
        raise Unmet(f"the worker ended with status {status} on SIGTERM")
    system.workers.start("interactions")
    return took_s


def end_cut_off(system: System) -> float:
    """SIGTERM while neither Kafka nor Redis can be reached: it ends all the same, and nothing is lost by that."""
    time.sleep(CALM_S)
    for proxy in system.services.proxies.values():
        proxy.cut()
    time.sleep(CALM_S)
    took_s, status = system.workers.stop("interactions")
    if status is None:
        raise Unmet("the worker did not end on SIGTERM")
    for proxy in system.services.proxies.values():
        proxy.heal()
    system.workers.start("interactions")
    return took_s


def scale_up_and_down(system: System) -> float:
    """From one worker to three and back, one every few seconds: the longest time that a partition had no list."""
    everything = set(range(system.settings.partitions))
    worst_s = 0.0
    for step in (2, 3, -3, -2):
        changed_s = time.time()
        if step > 0:
            system.workers.start("interactions", step)
        else:
            _, status = system.workers.stop("interactions", -step)
            if status != 0:
                raise Unmet(f"worker {-step} ended with status {status} on SIGTERM")
        worst_s = max(worst_s, system.await_lists(everything, time.time()))
        time.sleep(max(changed_s + 2 * CALM_S - time.time(), 0))
    return worst_s


FAULTS = (
    Fault("worker-killed", "SIGKILL, another takes over", kill_one_of_two, within_s=15, interactions=2),
    Fault("worker-killed-often", "SIGKILL every 10 s, replaced at once", kill_again_and_again, within_s=25),
    Fault("worker-frozen", "SIGSTOP for 20 s, then SIGCONT", freeze_and_thaw, within_s=15, interactions=2),
    Fault("worker-ended", "SIGTERM under load", end_under_load, within_s=SIGTERM_S),
    Fault(
        "worker-ended-cut-off",
        "SIGTERM while Kafka and Redis are away",
        end_cut_off,
        within_s=SIGTERM_S,
        needs=frozenset({"kafka proxy", "redis proxy"}),
    ),
    Fault("workers-scaled", "1, 2, 3, 2, 1 workers under load", scale_up_and_down, within_s=15),
)
