"""Faults of workers: they are killed, frozen, terminated, or their number changes."""

import time

from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import CALM_S, System
from deploy.workers import WorkerName
from streams.wire.topics import INTERACTIONS

#: Longer than the session timeout of 10 s, so the group gives the partitions of the frozen worker to another.
FROZEN_S = 20.0
SIGTERM_S = 10.0
KILL_EVERY_S = 10.0


def kill_one_of_two(system: System) -> float:
    """SIGKILL one of two workers; returns the seconds until the other one serves all its partitions."""
    time.sleep(CALM_S)
    orphaned = system.workers.partitions("interactions", 2, system.topic(INTERACTIONS))
    if not orphaned:
        raise Unmet("the second worker had no partitions")
    system.workers.kill("interactions", 2)
    return system.await_lists(orphaned, time.time())


def kill_again_and_again(system: System) -> float:
    """SIGKILL a worker every 10 s and replace it at once, every third time the items worker.

    Returns the longest time until all partitions had a new list.
    """
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
    """SIGSTOP a worker until another takes over, then SIGCONT: its stale writes must be refused."""
    time.sleep(CALM_S)
    system.workers.pause("interactions", 2)
    time.sleep(FROZEN_S)
    thawed_s = time.time()
    system.workers.resume("interactions", 2)
    recovered_s = system.await_lists(set(range(system.settings.partitions)), thawed_s)
    # The worker learns that its partitions were revoked before it gets partitions again.
    system.await_that(
        lambda: bool(system.workers.partitions("interactions", 2, system.topic(INTERACTIONS))),
        "the thawed worker has partitions again",
    )
    time.sleep(CALM_S)
    return recovered_s


def end_under_load(system: System) -> float:
    """SIGTERM a worker: it stores its state, leaves the group, and exits with 0."""
    time.sleep(CALM_S)
    took_s, status = system.workers.stop("interactions")
    if status != 0:
        raise Unmet(f"the worker ended with status {status} on SIGTERM")
    system.workers.start("interactions")
    return took_s


def end_cut_off(system: System) -> float:
    """SIGTERM a worker that can reach neither Kafka nor Redis: it must end, and nothing may be lost."""
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
    """Scale from one worker to three and back, a step every few seconds.

    Returns the longest time until all partitions had a new list.
    """
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
