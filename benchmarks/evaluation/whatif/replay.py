"""Replays a log through versions, with the same questions to each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.evaluation.log import Event, Log
from benchmarks.evaluation.measures import FIGURES, SHOWN, judge
from benchmarks.evaluation.protocols import by_place, wanted_in
from benchmarks.evaluation.replayed_world import Listed, ReplayedWorld
from benchmarks.evaluation.whatif.version import Version

#: What is measured of each list, beside its items.
MEASURED = ("hit_at_10", "ndcg_at_10", "mrr", "diversity")
_PLACES = [FIGURES.index(name) for name in MEASURED[:-1]]
_PROGRESS_PARTS = 20


@dataclass(slots=True)
class Replayed:
    """The q questions' `users`, and for each version [q] its MEASURED float64 [4] and its first SHOWN items.

    `known` is the number of items in the catalogue at the end.
    """

    users: list[str]
    figures: tuple[list[NDArray[np.float64]], ...]
    shown: tuple[list[list[str]], ...]
    known: int = 0


def replay(
    log: Log,
    start_ms: int,
    versions: Sequence[Version],
    *,
    most: int,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Replayed:
    """Predict what users chose from `start_ms` on, each before it is learned; `most` questions, drawn at random.

    All events are learned. Versions with the same state share it, so that only their lists are made twice.
    """
    worlds: dict[object, ReplayedWorld] = {each.state: _world(log, each, seed) for each in versions}
    asked = _drawn(log.events, start_ms, most, seed)
    found = Replayed([], tuple([] for _ in versions), tuple([] for _ in versions))
    every = max(len(log.events) // _PROGRESS_PARTS, 1)
    # One thread, so that sums are always in the same order.
    with threadpool_limits(1):
        for place, event in enumerate(log.events, 1):
            items = asked.get(place - 1, ())
            found.users += [event.user] * len(items)
            for number, version in enumerate(versions if items else ()):
                listed = _list(worlds[version.state], version, event)
                found.figures[number].extend(_figures(listed, item) for item in items)
                found.shown[number].extend([listed.items[:SHOWN]] * len(items))
            for world in worlds.values():
                world.learn(event)
            if place % every == 0:
                progress(f"{place:,} of {len(log.events):,} events, {len(found.users):,} lists of each version")
    found.known = max(len(world.catalog.item_ids) for world in worlds.values())
    return found


def _world(log: Log, version: Version, seed: int) -> ReplayedWorld:
    return ReplayedWorld(version.settings, log, length=version.settings.list_length, seed=seed)


def _drawn(events: Sequence[Event], start_ms: int, most: int, seed: int) -> dict[int, list[str]]:
    """The items that are asked for, by the place before whose event they are."""
    wanted = [each for each in wanted_in(events) if events[each.asked].at_ms >= start_ms]
    drawn = np.random.default_rng(seed).permutation(len(wanted))[:most].tolist()
    return by_place(events, (wanted[each] for each in drawn))


def _list(world: ReplayedWorld, version: Version, event: Event) -> Listed:
    world.recommender.apply_model(version.model)
    return world.recommend(event.user, event.at_ms)


def _figures(listed: Listed, target: str) -> NDArray[np.float64]:
    places = tuple(place for place, item in enumerate(listed.items, 1) if item == target)
    return np.array([*judge(places, 1)[_PLACES], listed.made.ranking.diversity], np.float64)
