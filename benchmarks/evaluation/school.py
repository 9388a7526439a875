"""Learns the ranker from a log, by the lessons that interactions workers would make of it with time for all."""

from collections.abc import Callable

from threadpoolctl import threadpool_limits

from benchmarks.evaluation.log import Log
from benchmarks.evaluation.replayed_world import ReplayedWorld
from features.item import key_of
from inference.ranking.lessons import lesson_from
from streams.learning.learner import Learner
from streams.learning.lesson_weights import lesson_weight
from streams.settings import Settings
from streams.settings_checks import parse_lesson_weights

_PROGRESS_PARTS = 20


def teach(
    settings: Settings, log: Log, learner: Learner, *, seed: int, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Have a learner learn from each event of a log before the event is applied. The same log gives the same model."""
    world = ReplayedWorld(
        log, dimensions=settings.dimensions, length=settings.list_length, min_users=settings.trends_min_users, seed=seed
    )
    weights = parse_lesson_weights(settings.lesson_weights)
    every = max(len(log.events) // _PROGRESS_PARTS, 1)
    with threadpool_limits(1):
        for place, event in enumerate(log.events):
            weight = lesson_weight(weights, event.type, rating=event.rating, dwell_ms=event.dwell_ms)
            found = world.study(event) if weight else None
            if found is not None:
                user, at_ms = key_of(event.user), event.at_ms
                learner.learn(lesson_from(*found, user=user, at_ms=at_ms, weight=weight, slot=-1, seed=place))
            world.learn(event)
            if (place + 1) % every == 0:
                progress(_state(place + 1, len(log.events), learner))


def _state(place: int, count: int, learner: Learner) -> str:
    losses, version = learner.losses, learner.model().version
    return (
        f"{place:,} of {count:,} events, {learner.progress.admitted:,} lessons, version {version}, "
        f"loss {losses.good:.3f} (hand weights {losses.hand:.3f})"
    )
