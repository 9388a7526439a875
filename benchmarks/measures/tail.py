"""Tail latency on 12 partitions, one busy and one sparse, while items arrive, workers join, or load is skewed."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness.catalogue import draw_items, publish_items
from benchmarks.harness.clicks import BUSY, SPARSE, Skew, draw_clicks, draw_skewed_clicks
from benchmarks.harness.delays import Delays, longest_gap_ms, percentiles
from benchmarks.harness.load import Event
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import OURS, START_S, System, echo, our_worker
from deploy.service import Progress
from features.item import Item
from sightline_client.routing import partition_of
from streams.settings import Settings
from streams.wire import topics

WARM_UP_S = 1.0
#: Time from the join of a second worker to its end.
STAY_S = 3.0
BURST = 1000
GROWTH_PER_S = 200
_EVEN = Skew()

Meanwhile = Callable[[], None]


@dataclass(frozen=True, slots=True)
class TailPlan:
    """`seconds` for each scene, divided among the rounds.

    A round in which a worker joins and leaves lasts at least `rebalance_s`; the worker starts within half of it.
    """

    rate: float
    seconds: float
    rounds: int
    users: int
    items: int
    rebalance_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Medians over the rounds, for all events and for two partitions alone; `events` and `lost` are sums.

    `max_ms` is the longest delay of an event; `longest_gap_ms`, the longest time without any list;
    `cpu_us_per_event`, the processor time of the first worker. None means that the partition had no event.
    """

    events: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    busy_p50_ms: float
    busy_p99_ms: float
    sparse_p50_ms: float | None
    sparse_p99_ms: float | None
    longest_gap_ms: float
    cpu_us_per_event: float
    lost: int


@dataclass(frozen=True, slots=True)
class Tail:
    """One worker undisturbed, and with each disturbance; for comparison two scenes of a stock Faust echo."""

    steady: Scene
    rebalance: Scene
    growth: Scene
    burst: Scene
    hot_user: Scene
    hot_item: Scene
    echo: Scene
    echo_rebalance: Scene


@dataclass(slots=True)
class _Act:
    """The plan of a scene: the system, the clicks, the concurrent action, and the least duration."""

    system: System
    skew: Skew = _EVEN
    prepare: Callable[[], Meanwhile] = lambda: _nothing
    least_s: float = 0.0
    rounds: list[Scene] = field(default_factory=list)


def measure_tail(settings: Settings, plan: TailPlan, *, progress: Progress = lambda _: None) -> Tail:
    """Start separate services and play every scene, round by round; everything ends afterwards."""
    with own_stack(settings, progress) as (own, endpoints), ExitStack() as stack:
        clicks = partial(draw_clicks, plan.users, plan.items, plan.rate)
        reference = stack.enter_context(echo(own, endpoints, clicks()))
        ours = stack.enter_context(our_worker(own, endpoints, clicks(), progress, items=plan.items))
        for system in (reference, ours):
            system.run(plan.users, plan.rate, patience_s=START_S)
        catalogue = _Catalogue(endpoints.kafka, f"{OURS}.{topics.CATALOG.name}", own.dimensions, plan.items)
        acts = {
            "steady": _Act(ours),
            "rebalance": _Act(ours, prepare=lambda: partial(_join_and_leave, ours), least_s=plan.rebalance_s),
            "growth": _Act(ours, prepare=lambda: catalogue.growth(plan.seconds / plan.rounds)),
            "burst": _Act(ours, prepare=catalogue.burst),
            "hot_user": _Act(ours, Skew(one_user=True)),
            "hot_item": _Act(ours, Skew(hot_item=0.5)),
            "echo": _Act(reference),
            "echo_rebalance": _Act(
                reference, prepare=lambda: partial(_join_and_leave, reference), least_s=plan.rebalance_s
            ),
        }
        for number in range(1, plan.rounds + 1):
            for name, act in acts.items():
                _play(act, f"{name}-{number}", plan, own.partitions)
                progress(f"round {number} of {plan.rounds}, {name}: {_summary(act.rounds[-1])}")
        return Tail(**{name: _medians(act.rounds) for name, act in acts.items()})


def _play(act: _Act, name: str, plan: TailPlan, partitions: int) -> None:
    warm_up = int(plan.rate * WARM_UP_S)
    count = warm_up + int(plan.rate * max(plan.seconds / plan.rounds, act.least_s))
    events = draw_skewed_clicks(
        name, count, plan.rate, act.skew, users=plan.users, items=plan.items, partitions=partitions
    )
    meanwhile = act.prepare()
    before_s = act.system.cpu_s()
    delays_ms = act.system.play(events, plan.rate, meanwhile=partial(_after, WARM_UP_S, meanwhile))
    cpu_us = (act.system.cpu_s() - before_s) / count * 1e6
    act.rounds.append(_scene(events[warm_up:], delays_ms[warm_up:], cpu_us, plan.rate, partitions))


def _scene(events: Sequence[Event], delays_ms: Delays, cpu_us: float, rate: float, partitions: int) -> Scene:
    at = np.array([partition_of(event.key, partitions) for event in events])
    p50, p99, p999 = percentiles(delays_ms)
    busy, sparse = percentiles(delays_ms[at == BUSY]), percentiles(delays_ms[at == SPARSE])
    return Scene(
        events=len(events),
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        max_ms=float(np.nanmax(delays_ms, initial=0.0)),
        busy_p50_ms=busy[0],
        busy_p99_ms=busy[1],
        sparse_p50_ms=sparse[0],
        sparse_p99_ms=sparse[1],
        longest_gap_ms=longest_gap_ms(delays_ms, rate),
        cpu_us_per_event=cpu_us,
        lost=int(np.isnan(delays_ms).sum()),
    )


def _medians(rounds: Sequence[Scene]) -> Scene:
    values: dict[str, list[float]] = {name: [getattr(each, name) for each in rounds] for name in Scene.__slots__}
    medians: dict[str, Any] = {name: _median(found) for name, found in values.items()}
    sums = {name: int(sum(values[name])) for name in ("events", "lost")}
    return replace(rounds[0], **{**medians, **sums})


def _median(values: Sequence[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return round(float(np.median(known)), 2) if known else None


def _summary(scene: Scene) -> str:
    shares = f"p50 {scene.p50_ms:.1f}, p99 {scene.p99_ms:.1f}, p99.9 {scene.p999_ms:.1f}, longest {scene.max_ms:.0f} ms"
    cost = f"{scene.cpu_us_per_event:.0f} us of CPU an event"
    return f"{shares}, no list for {scene.longest_gap_ms:.0f} ms, {cost}, lost {scene.lost}"


def _after(seconds: float, meanwhile: Meanwhile) -> None:
    time.sleep(seconds)
    meanwhile()


def _nothing() -> None:
    pass


def _join_and_leave(system: System) -> None:
    system.join()
    system.await_group(2)
    time.sleep(STAY_S)
    system.leave()


class _Catalogue:
    """A catalogue topic for new items; items are drawn before the measurement, since that takes time."""

    def __init__(self, kafka: str, topic: str, dimensions: int, items: int) -> None:
        self._kafka = kafka
        self._topic = topic
        self._dimensions = dimensions
        self._items = items

    def burst(self) -> Meanwhile:
        """Publish a thousand new items at once."""
        return partial(publish_items, self._kafka, self._topic, self._draw(BURST))

    def growth(self, seconds: float) -> Meanwhile:
        """Publish GROWTH_PER_S new items a second for `seconds`."""
        items = self._draw(int(GROWTH_PER_S * seconds))
        return partial(publish_items, self._kafka, self._topic, items, rate=GROWTH_PER_S)

    def _draw(self, count: int) -> list[Item]:
        drawn = draw_items(count, self._dimensions, seed=self._items, first=self._items)
        self._items += count
        return drawn
