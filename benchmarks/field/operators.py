"""What operators do: they change topics and Redis under running workers, mistype settings, and look at probes."""

from collections.abc import Iterator

from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions  # type: ignore[import-untyped]  # ships no types

from benchmarks.field.case import Case, equal, tried
from benchmarks.field.system import System, await_that
from deploy.redis_server import ask
from streams.kafka.admin_client import connected_admin

NOTICED_S = 12.0
_REFUSED = f"/readyz 503 within {NOTICED_S:.0f} s"
_REFUSED_AND_BACK = f"{_REFUSED}, then ready again"


def operator_cases(system: System) -> Iterator[Case]:
    """The cases that leave the system as it was, then those that break it."""
    yield tried("O4 HEAD /healthz", "200", _head, system)
    yield tried("O7 doctor on a healthy system with uploads", "exit 0", _healthy, system)
    yield from _typed(system)
    yield tried("O2 another app's key after `rebuild`", "two shirts", _cart, system)
    yield tried("R2 Redis evicts (allkeys-lru)", _REFUSED_AND_BACK, _evicting, system)
    yield tried("O10 a topic with CreateTime", _REFUSED_AND_BACK, _create_time, system)
    yield tried("O1 events.interactions grows from 12 to 24", _REFUSED, _grown, system)
    yield tried("O1b restarted with SIGHTLINE_PARTITIONS=24", "exit 2 with what to do", _restarted_on_grown, system)


def _head(system: System) -> Case:
    return equal("O4 HEAD /healthz", 200, system.probe("items", "/healthz", "HEAD")[0])


def _healthy(system: System) -> Case:
    done = system.sightline("doctor")
    seen = f"exit {done.returncode}: {done.stdout[-200:]}"
    return Case("O7 doctor on a healthy system with uploads", "exit 0", seen, done.returncode == 0)


def _typed(system: System) -> Iterator[Case]:
    """Settings and ids that break what prints them."""
    for case, settings in (
        ("O3 SIGHTLINE_REDIS=localhost:6379", {"redis": "localhost:6379"}),
        ("O3 SIGHTLINE_KAFKA=foo", {"kafka": "foo"}),
        ("O3 SIGHTLINE_REDIS with ?cluster=maybe", {"redis": "redis://r:1?cluster=maybe"}),
    ):
        done = system.sightline("user", "show", "u1", **settings)
        seen = f"exit {done.returncode}, {'a traceback' if 'Traceback' in done.stderr else 'no traceback'}"
        yield equal(case, "exit 2, no traceback", seen)
    for user in ("[/red]", "\x1b[31mred"):
        yield tried(f"O5 user show {user!r}", "a profile", _shown, system, user)


def _shown(system: System, user: str) -> Case:
    system.click(user, "i1", f"typed-{user}")
    await_that(lambda: any(each["user_id"] == user for each in system.lists()))
    # The profile is stored a moment after the list has left.
    await_that(lambda: system.sightline("user", "show", user).returncode == 0)
    done = system.sightline("user", "show", user)
    raw = "\x1b[31mred" in done.stdout
    seen = (
        "a traceback" if "Traceback" in done.stderr else "raw escapes" if raw else f"a profile, exit {done.returncode}"
    )
    return equal(f"O5 user show {user!r}", "a profile, exit 0", seen)


def _cart(system: System) -> Case:
    ask(system.endpoints.redis, "SET", "{5}:cart", "two shirts")
    done = system.sightline("rebuild")
    kept = ask(system.endpoints.redis, "GET", "{5}:cart")
    return equal("O2 another app's key after `rebuild`", "exit 0, two shirts", f"exit {done.returncode}, {kept}")


def _evicting(system: System) -> Case:
    ask(system.endpoints.redis, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        seen = _noticed(system)
        told = system.sightline("doctor").returncode
    finally:
        ask(system.endpoints.redis, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    seen = f"{seen}; doctor exit {told}; ready again: {_is_ready_again(system)}"
    passed = seen.startswith("/readyz 503") and told == 1 and seen.endswith("True")
    return Case("R2 Redis evicts (allkeys-lru)", f"{_REFUSED_AND_BACK}, doctor exit 1", seen, passed)


def _create_time(system: System) -> Case:
    name = f"{system.settings.topic_prefix}events.interactions"
    _configure(system, name, "CreateTime")
    try:
        seen = _noticed(system)
    finally:
        _configure(system, name, "LogAppendTime")
    seen = f"{seen}; ready again: {_is_ready_again(system)}"
    passed = seen.startswith("/readyz 503") and seen.endswith("True")
    return Case("O10 a topic with CreateTime", _REFUSED_AND_BACK, seen, passed)


def _grown(system: System) -> Case:
    with connected_admin(system.endpoints.kafka) as admin:
        admin.create_partitions({f"{system.settings.topic_prefix}events.interactions": NewPartitions(24)})
    seen = _noticed(system)
    return Case("O1 events.interactions grows from 12 to 24", _REFUSED, seen, seen.startswith("/readyz 503"))


def _restarted_on_grown(system: System) -> Case:
    system.workers.stop(system.running["interactions"])
    done = system.sightline("worker", "interactions", partitions="24")
    said = (done.stdout + done.stderr)[-300:]
    passed = done.returncode == 2 and "sightline" in said
    return Case(
        "O1b restarted with SIGHTLINE_PARTITIONS=24",
        "exit 2 with what to do",
        f"exit {done.returncode}: {said}",
        passed,
    )


def _is_ready_again(system: System) -> bool:
    return await_that(lambda: system.probe("interactions", "/readyz")[0] == 200, 30.0)


def _noticed(system: System) -> str:
    """What /readyz says as soon as it is not ready, or after NOTICED_S."""
    await_that(lambda: system.probe("interactions", "/readyz")[0] == 503, NOTICED_S)
    status, text = system.probe("interactions", "/readyz")
    return f"/readyz {status}: {text[:200]}"


def _configure(system: System, topic: str, timestamps: str) -> None:
    change = ConfigResource(ConfigResourceType.TOPIC, topic, {"message.timestamp.type": timestamps})
    with connected_admin(system.endpoints.kafka) as admin:
        admin.alter_configs([change], incremental=True)
