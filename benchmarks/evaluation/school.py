"""Learns the ranker from a log, by the lessons that interactions workers would make of it with time for all."""

from collections.abc import Callable

from threadpoolctl import threadpool_limits

from benchmarks.evaluation.log import Log
from benchmarks.evaluation.replayed_world import ReplayedWorld
from streams.learning.learner import Learner
from streams.settings import Settings

_PROGRESS_PARTS = 20


def teach(
    settings: Settings, log: Log, learner: Learner, *, seed: int, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Have a learner learn from each event of a log before the event is applied. The same log gives the same model."""
    world = ReplayedWorld(settings, log, length=settings.list_length, seed=seed, learner=learner)
    every = max(len(log.events) // _PROGRESS_PARTS, 1)
    with threadpool_limits(1):
        for place, event in enumerate(log.events):
            world.learn(event)
            if (place + 1) % every == 0:
                progress(_state(place + 1, len(log.events), learner))


def _state(place: int, count: int, learner: Learner) -> str:
    losses, version = learner.losses, learner.model().version
    return (
        f"{place:,} of {count:,} events, {learner.progress.admitted:,} lessons, version {version}, "
        f"loss {losses.good:.3f} (hand weights {losses.hand:.3f})"
    )
