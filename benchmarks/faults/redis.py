"""Faults of Redis: restarted, gone back in time, emptied, full, away for long, its network cut or slow."""

import shutil
import time
from collections.abc import Callable

from benchmarks.faults.fault import Fault, Unmet
from benchmarks.faults.group import GroupWatch
from benchmarks.faults.system import CALM_S, System
from deploy.redis_server import ask
from streams.wire.topics import INTERACTIONS, SIGNALS

AWAY_S = 10.0
LOST_S = 1.5
SLOW_S = 0.2
#: Longer than the rollback watch looks, and long enough to be sure that nothing is on its way.
IDLE_S = 3.0


def restart(system: System) -> float:
    """SIGKILL, and the same Redis 10 s later: its append-only file has what it acknowledged a second before."""
    time.sleep(CALM_S)
    system.services.stack.kill("redis")
    time.sleep(AWAY_S)
    system.services.stack.start("redis")
    return _caught_up(system)


def lose_last_second(system: System) -> float:
    """It comes back as it was 1.5 s before: the workers notice by themselves and apply the rest again."""
    time.sleep(CALM_S)
    _go_back(system, lambda: time.sleep(LOST_S))
    recovered_s = _caught_up(system)
    _check_noticed(system, "sightline_rollbacks_total")
    return recovered_s


def lose_last_second_idle(system: System) -> float:
    """The same where no event follows that would show it."""
    time.sleep(CALM_S)
    _go_back(system, lambda: _fall_silent(system))
    begun = time.monotonic()
    system.await_stored(system.ends())
    system.await_stored(system.ends(SIGNALS), SIGNALS)
    _check_noticed(system, "sightline_rollbacks_total")
    return time.monotonic() - begun


def empty(system: System) -> float:
    """FLUSHALL: everything is made anew from the log."""
    time.sleep(CALM_S)
    ask(system.services.redis, "FLUSHALL")
    recovered_s = _caught_up(system)
    _check_noticed(system, "sightline_rollbacks_total")
    return recovered_s


def fill(system: System) -> float:
    """No memory left for 10 s: every write is refused, and none may be skipped."""
    time.sleep(CALM_S)
    ask(system.services.redis, "CONFIG", "SET", "maxmemory", "1mb")
    time.sleep(AWAY_S)
    _check_noticed(system, "sightline_redis_errors_total")
    ask(system.services.redis, "CONFIG", "SET", "maxmemory", "0")
    return _caught_up(system)


def stay_away(system: System) -> float:
    """Away for minutes, with a new worker in the middle: the lag grows, nothing is dropped, the group keeps calm."""
    time.sleep(CALM_S)
    away_s = 60 * system.minutes
    system.services.stack.kill("redis")
    with GroupWatch(system.services.kafka, f"{system.settings.topic_prefix}sightline-interactions") as group:
        time.sleep(away_s / 2)
        system.workers.start("interactions", 2)
        time.sleep(away_s / 2)
    system.workers.check_alive()
    # The one that joined moved the group once, to let it in.
    if group.changes > 2:
        raise Unmet(f"the group changed {group.changes} times while Redis was away")
    system.services.stack.start("redis")
    return _caught_up(system)


def cut(system: System) -> float:
    """The workers' connections end, and none is let through for 10 s."""
    time.sleep(CALM_S)
    proxy = system.services.proxies["redis"]
    proxy.cut()
    time.sleep(AWAY_S)
    proxy.heal()
    return _caught_up(system)


def slow(system: System) -> float:
    """Every answer comes 200 ms late for 10 s; lists go on, and afterwards nothing has piled up."""
    proxy = system.services.proxies["redis"]
    proxy.delay_s = SLOW_S
    time.sleep(AWAY_S)
    if not system.lists.came_since(time.time() - AWAY_S / 2):
        raise Unmet("no list was made while Redis was slow")
    proxy.delay_s = 0.0
    return _caught_up(system)


def _go_back(system: System, meanwhile: Callable[[], None]) -> None:
    """Kill Redis, and start it on its data as they were before `meanwhile` ran."""
    stack, data = system.services.stack, system.settings.home / "data" / "redis"
    copy = data.with_name("redis-before")
    shutil.rmtree(copy, ignore_errors=True)
    before = sum(system.positions().values())
    shutil.copytree(data, copy)
    meanwhile()
    lost = sum(system.positions().values()) - before
    if lost <= 0:
        raise Unmet("nothing was stored that Redis could lose")
    stack.kill("redis")
    shutil.rmtree(data)
    copy.rename(data)
    stack.start("redis")


def _check_noticed(system: System, metric: str) -> None:
    """A fault that no worker noticed was none."""
    if not system.workers.total(metric):
        raise Unmet(f"no worker counted anything in {metric}: the fault did not strike")


def _fall_silent(system: System) -> None:
    time.sleep(LOST_S)
    system.traffic.stop()
    system.await_stored(system.ends())
    system.await_stored(system.ends(SIGNALS), SIGNALS)
    time.sleep(IDLE_S)


def _caught_up(system: System) -> float:
    """Seconds from now until all that waits now is stored."""
    return system.await_stored(system.ends(INTERACTIONS))


FAULTS = (
    Fault("redis-restarted", "killed, back after 10 s with its append-only file", restart, within_s=10),
    Fault("redis-lost-second", "back without its last 1.5 s, under load", lose_last_second, within_s=15),
    Fault("redis-lost-second-idle", "back without its last 1.5 s, no events", lose_last_second_idle, within_s=30),
    Fault("redis-emptied", "FLUSHALL", empty, within_s=30),
    Fault("redis-full", "no memory for 10 s (noeviction)", fill, within_s=10),
    Fault("redis-down", "away for minutes, a worker joins meanwhile", stay_away, within_s=30, per_minute_s=6),
    Fault("redis-cut", "no network to Redis for 10 s", cut, within_s=10, needs=frozenset({"redis proxy"})),
    Fault("redis-slow", "answers 200 ms late for 10 s", slow, within_s=10, needs=frozenset({"redis proxy"})),
)
