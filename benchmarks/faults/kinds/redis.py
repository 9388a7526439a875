"""Faults of Redis: it restarts, loses its last writes, is emptied, full or away for minutes, or its network fails."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.faults.fault import Fault
from benchmarks.faults.group_watch import GroupWatch
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import CALM_S, System
from deploy.redis_server import ask
from streams.wire.namespace import Namespace
from streams.wire.topics import INTERACTIONS, SIGNALS

AWAY_S = 10.0
LOST_S = 1.5
SLOW_S = 0.2
#: Seconds before Redis is back, at which a worker starts: less than a worker may take to be ready.
JOINING_S = 20.0
#: Longer than the interval of the rollback watch, and long enough that nothing is in flight.
IDLE_S = 3.0
_ROLLBACKS = "sightline_rollbacks_total"
_ERRORS = "sightline_redis_errors_total"


def restart(system: System) -> float:
    """Kill Redis and start it 10 s later; its append-only file lacks at most the last second."""
    time.sleep(CALM_S)
    system.services.stack.kill("redis")
    time.sleep(AWAY_S)
    system.services.stack.start("redis")
    return _await_caught_up(system)


def lose_last_second(system: System) -> float:
    """Restore Redis to its state of 1.5 s before: the workers must notice and apply the rest again."""
    time.sleep(CALM_S)
    before = system.workers.total(_ROLLBACKS)
    _roll_back(system, lambda: time.sleep(LOST_S))
    recovered_s = _await_caught_up(system)
    _check_noticed(system, _ROLLBACKS, before)
    return recovered_s


def lose_last_second_idle(system: System) -> float:
    """The same without later events, which would reveal the loss."""
    time.sleep(CALM_S)
    before = system.workers.total(_ROLLBACKS)
    _roll_back(system, lambda: _stop_traffic(system))
    begun = time.monotonic()
    system.await_stored(system.ends())
    system.await_stored(system.ends(SIGNALS), SIGNALS)
    _check_noticed(system, _ROLLBACKS, before)
    return time.monotonic() - begun


def empty(system: System) -> float:
    """FLUSHALL: the workers rebuild everything from the log."""
    time.sleep(CALM_S)
    before = system.workers.total(_ROLLBACKS)
    ask(system.services.redis, "FLUSHALL")
    recovered_s = _await_caught_up(system)
    _check_noticed(system, _ROLLBACKS, before)
    return recovered_s


def fill(system: System) -> float:
    """Leave Redis without memory for 10 s: it refuses every write, and no write may be skipped."""
    time.sleep(CALM_S)
    before = system.workers.total(_ERRORS)
    ask(system.services.redis, "CONFIG", "SET", "maxmemory", "1mb")
    time.sleep(AWAY_S)
    _check_noticed(system, _ERRORS, before)
    ask(system.services.redis, "CONFIG", "SET", "maxmemory", "0")
    return _await_caught_up(system)


def stay_away(system: System) -> float:
    """Kill Redis for minutes while a worker starts: the lag grows, nothing is dropped, the group stays stable."""
    time.sleep(CALM_S)
    away_s = 60 * system.minutes
    system.services.stack.kill("redis")
    group_id = Namespace(system.settings.topic_prefix).group("interactions")
    with GroupWatch(system.services.kafka, group_id) as group, ThreadPoolExecutor(1) as pool:
        time.sleep(max(away_s - JOINING_S, 0))
        # A worker that starts takes no partition before it has looked at Redis.
        joining = pool.submit(system.workers.start, "interactions", 2)
        time.sleep(min(away_s, JOINING_S))
        system.workers.check_alive()
        system.services.stack.start("redis")
        recovered_s = _await_caught_up(system)
        joining.result()
    # The worker that joined causes one rebalance.
    if group.changes > 2:
        raise Unmet(f"the group changed {group.changes} times, and only one worker joined it")
    return recovered_s


def cut(system: System) -> float:
    """Close the connections of the workers and refuse new ones for 10 s."""
    time.sleep(CALM_S)
    proxy = system.services.proxies["redis"]
    proxy.cut()
    time.sleep(AWAY_S)
    proxy.heal()
    return _await_caught_up(system)


def slow(system: System) -> float:
    """Delay every response by 200 ms for 10 s: lists are still published, and no backlog remains afterwards."""
    proxy = system.services.proxies["redis"]
    proxy.delay_s = SLOW_S
    time.sleep(AWAY_S)
    if not system.lists.came_since(time.time() - AWAY_S / 2):
        raise Unmet("no list was published while Redis was slow")
    proxy.delay_s = 0.0
    return _await_caught_up(system)


def _roll_back(system: System, meanwhile: Callable[[], None]) -> None:
    """Kill Redis and start it with the data that it had before `meanwhile` ran."""
    stack, data = system.services.stack, system.settings.home / "data" / "redis"
    copy = data.with_name("redis-before")
    shutil.rmtree(copy, ignore_errors=True)
    before = sum(system.positions().values())
    shutil.copytree(data, copy)
    meanwhile()
    lost = sum(system.positions().values()) - before
    if lost <= 0:
        raise Unmet("Redis had stored nothing that it could lose: the fault had no effect")
    stack.kill("redis")
    shutil.rmtree(data)
    copy.rename(data)
    stack.start("redis")


def _check_noticed(system: System, metric: str, before: float) -> None:
    """Unmet if no worker noticed the fault: the counter, over all workers, is what it was `before`."""
    if system.workers.total(metric) <= before:
        raise Unmet(f"{metric} did not rise in any worker: the fault had no effect")


def _stop_traffic(system: System) -> None:
    time.sleep(LOST_S)
    system.traffic.stop()
    system.await_stored(system.ends())
    system.await_stored(system.ends(SIGNALS), SIGNALS)
    time.sleep(IDLE_S)


def _await_caught_up(system: System) -> float:
    """Seconds until everything that is in the topic now is stored."""
    return system.await_stored(system.ends(INTERACTIONS))


FAULTS = (
    Fault("redis-restarted", "killed, back after 10 s with its append-only file", restart, within_s=10),
    Fault("redis-lost-second", "the last 1.5 s lost, under load", lose_last_second, within_s=15),
    Fault("redis-lost-second-idle", "the last 1.5 s lost, no later events", lose_last_second_idle, within_s=30),
    Fault("redis-emptied", "FLUSHALL", empty, within_s=30),
    Fault("redis-full", "no memory for 10 s (noeviction)", fill, within_s=10),
    Fault("redis-down", "killed for minutes while a worker starts", stay_away, within_s=30, per_minute_s=6),
    Fault("redis-cut", "no network to Redis for 10 s", cut, within_s=10, needs=frozenset({"redis proxy"})),
    Fault("redis-slow", "answers 200 ms late for 10 s", slow, within_s=10, needs=frozenset({"redis proxy"})),
)
