"""The web door: lists made now beside a stream of events, clicks that come back as events, and many who listen."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.http_load import Listener, Request, send_all, send_from_another_process
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import OURS, START_S, System, our_worker
from deploy import process
from deploy.service import Progress
from deploy.workers import Worker, Workers
from sightline_client.events import Interaction, encode
from streams.settings import Settings

_HOST = "127.0.0.1"
#: Requests that come before those that count.
_WARM_UP_S = 2.0
#: How long the last list is waited for.
_PATIENCE_S = 20.0
#: Users whose clicks come back, one stream each.
_CLICKERS = 50


@dataclass(frozen=True, slots=True)
class WebPlan:
    """`rate` requests a second for `seconds` in each part: for lists, and for an answer that needs no work, both beside
    as many events; then as clicks, alone.

    Then `listeners` at the same time, each of whom gets one list.
    """

    rate: float
    seconds: float
    users: int
    items: int
    listeners: int


@dataclass(frozen=True, slots=True)
class WebFigures:
    """Milliseconds from due to answered, or to the list of a click; NaN where nothing came. `floor` is for /healthz.

    `missed` counts listeners that a list did not reach, `failed` requests without an answer, and clicks without a list.
    """

    list_p50_ms: float
    list_p99_ms: float
    floor_p50_ms: float
    floor_p99_ms: float
    click_to_sse_p50_ms: float
    click_to_sse_p99_ms: float
    bytes_per_listener: int
    missed: int
    failed: int


def measure_web(settings: Settings, plan: WebPlan, *, progress: Progress = lambda _: None) -> WebFigures:
    """Start separate services, workers and a web door; everything ends afterwards."""
    with own_stack(settings, progress) as (own, endpoints):
        clicks = draw_clicks(plan.users, plan.items, plan.rate)
        with our_worker(own, endpoints, clicks, progress, items=plan.items) as system:
            theirs = own.model_copy(update={"topic_prefix": f"{OURS}.", "home": own.home / OURS, "web_rate": 1e6})
            with Workers(theirs, endpoints, progress=progress).borrowed(("web",)) as (web,):
                system.run(plan.users, plan.rate, patience_s=START_S)
                return _measure(system, web, plan, progress)


def _measure(system: System, web: Worker, plan: WebPlan, progress: Progress) -> WebFigures:
    port, warm_up = web.web_port or 0, int(plan.rate * _WARM_UP_S)
    count = int(plan.rate * plan.seconds) + warm_up
    lists = _beside(system, _lists(plan.users, count), port, plan)[warm_up:]
    floor = _beside(system, [Request("GET", "/healthz")] * count, port, plan)[warm_up:]
    progress(f"lists now: p50 {np.nanmedian(lists):.2f} ms, without any work {np.nanmedian(floor):.2f} ms")
    posted = asyncio.run(_clicks(port, plan, count))[warm_up:]
    progress(f"click to event: p50 {np.nanmedian(posted):.2f} ms")
    size, missed = asyncio.run(_listen(web, port, plan))
    return WebFigures(
        list_p50_ms=_percentile(lists, 50),
        list_p99_ms=_percentile(lists, 99),
        floor_p50_ms=_percentile(floor, 50),
        floor_p99_ms=_percentile(floor, 99),
        click_to_sse_p50_ms=_percentile(posted, 50),
        click_to_sse_p99_ms=_percentile(posted, 99),
        bytes_per_listener=size,
        missed=missed,
        failed=int(np.isnan(lists).sum() + np.isnan(floor).sum() + np.isnan(posted).sum()),
    )


def _percentile(delays_ms: NDArray[np.float64], share: float) -> float:
    return round(float(np.nanpercentile(delays_ms, share)), 3)


def _lists(users: int, count: int) -> list[Request]:
    random = Random(1)  # noqa: S311 (no secret is drawn)
    return [Request("GET", f"/v1/users/user-{random.randrange(users)}/recommendations") for _ in range(count)]


def _beside(system: System, requests: list[Request], port: int, plan: WebPlan) -> NDArray[np.float64]:
    """The delays of the requests, while as many events come by Kafka."""
    found: list[NDArray[np.float64]] = []
    system.run(
        len(requests),
        plan.rate,
        meanwhile=lambda: found.append(send_from_another_process(_HOST, port, requests, plan.rate)),
    )
    return found[0]


async def _clicks(port: int, plan: WebPlan, count: int) -> NDArray[np.float64]:
    """Milliseconds from the due time of each posted click to the arrival of its list in the user's stream."""
    listeners = [await Listener(_HOST, port, f"clicker-{number}").open() for number in range(_CLICKERS)]
    random, names = Random(2), [f"posted-{number}" for number in range(count)]  # noqa: S311 (no secret is drawn)
    requests = [
        Request("POST", "/v1/events", _click(name, f"clicker-{number % _CLICKERS}", random.randrange(plan.items)))
        for number, name in enumerate(names)
    ]
    sent = await send_all(_HOST, port, requests, plan.rate)
    at, deadline = _arrivals(listeners, count), time.monotonic() + _PATIENCE_S
    while np.isnan(at).any() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        at = _arrivals(listeners, count)
    for listener in listeners:
        listener.close()
    return 1000 * (at - sent.due)


def _arrivals(listeners: Sequence[Listener], count: int) -> NDArray[np.float64]:
    """When a list reached the user of each click that was made after it [count], NaN for none."""
    found = np.full(count, np.nan)
    for user, listener in enumerate(listeners):
        open_clicks = deque(range(user, count, len(listeners)))
        for name, at in listener.arrived.items():
            # One list answers all clicks of its user up to the one that it names.
            while open_clicks and open_clicks[0] <= int(name.rpartition("-")[2]):
                found[open_clicks.popleft()] = at
    return found


async def _listen(web: Worker, port: int, plan: WebPlan) -> tuple[int, int]:
    """Bytes that one more listener costs the process, and how many did not get the list of their user's click."""
    before = process.resident_bytes(web.process)
    users = [f"listener-{number}" for number in range(plan.listeners)]
    listeners = [await Listener(_HOST, port, user).open() for user in users]
    await asyncio.sleep(1.0)
    size = (process.resident_bytes(web.process) - before) // max(plan.listeners, 1)
    requests = [Request("POST", "/v1/events", _click(f"heard-{user}", user, 0)) for user in users]
    await send_all(_HOST, port, requests, plan.rate)
    deadline = time.monotonic() + _PATIENCE_S
    while any(not each.arrived for each in listeners) and time.monotonic() < deadline:  # noqa: ASYNC110 (bench)
        await asyncio.sleep(0.1)
    missed = sum(not each.arrived for each in listeners)
    for listener in listeners:
        listener.close()
    return size, missed


def _click(event_id: str, user: str, item: int) -> bytes:
    at_ms = time.time_ns() // 1_000_000
    return encode(
        Interaction(event_id=event_id, type="click", user_id=user, item_id=f"item-{item}", occurred_at_ms=at_ms)
    )
