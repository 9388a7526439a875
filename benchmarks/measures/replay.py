"""Speed of a rebuild of the state from the log, compared with the rate of live events."""

import asyncio
from dataclasses import dataclass

from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import FLAT_OUT, OURS, our_worker
from deploy.service import Progress
from streams.replay.rebuild import rebuild_state
from streams.settings import Settings

USERS = 5000
ITEMS = 2000
#: For the workers to catch up, since all events are due at once.
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Replay:
    """`ratio` is `events_per_s` of the rebuild to `live_events_per_s`, the assumed rate of a live stream."""

    events: int
    signals: int
    seconds: float
    events_per_s: float
    live_events_per_s: float
    ratio: float


def measure_replay(settings: Settings, *, events: int, rate: float, progress: Progress = lambda _: None) -> Replay:
    """Have workers handle clicks, then rebuild their state; on separate services, which end afterwards."""
    with own_stack(settings, progress) as (own, endpoints):
        clicks = draw_clicks(USERS, ITEMS, rate)
        with our_worker(own, endpoints, clicks, progress, items=ITEMS) as system:
            system.run(events, FLAT_OUT, patience_s=PATIENCE_S)
        ours = own.model_copy(update={"topic_prefix": f"{OURS}."})
        rebuilt = asyncio.run(rebuild_state(ours, endpoints.kafka, endpoints.redis))
    return Replay(
        events=rebuilt.events,
        signals=rebuilt.signals,
        seconds=round(rebuilt.seconds, 2),
        events_per_s=round(rebuilt.events_per_s, 1),
        live_events_per_s=rate,
        ratio=round(rebuilt.events_per_s / rate, 1),
    )
