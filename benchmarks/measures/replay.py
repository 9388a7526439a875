"""How fast the state is made anew from the log, against the rate at which its events came."""

import asyncio
from dataclasses import dataclass

from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.surroundings import own_stack
from benchmarks.harness.systems import FLAT_OUT, OURS, our_worker
from deploy.service import Progress
from streams.replay.rebuild import rebuild_state
from streams.settings import Settings

USERS = 5000
ITEMS = 2000
#: While the workers catch up with what was sent flat out.
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Replay:
    """`ratio` is that of the rebuild's events a second to `live_events_per_s`, at which a stream is taken to run."""

    events: int
    signals: int
    seconds: float
    events_per_s: float
    live_events_per_s: float
    ratio: float


def measure_replay(settings: Settings, *, events: int, rate: float, progress: Progress = lambda _: None) -> Replay:
    """Have workers handle clicks, then rebuild what they made; on services of its own, which it ends."""
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
