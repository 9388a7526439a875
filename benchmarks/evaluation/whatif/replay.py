"""Replays a log through versions, with the same questions to each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.evaluation.log import Event, Log
from benchmarks.evaluation.measures import FIGURES, SHOWN, judge
from benchmarks.evaluation.protocols import wanted
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
            if place - 1 in asked:
                found.users.append(event.user)
                for number, version in enumerate(versions):
                    listed = _list(worlds[version.state], version, event)
                    found.figures[number].append(_figures(listed, event.item))
                    found.shown[number].append(listed.items[:SHOWN])
            for world in worlds.values():
                world.learn(event)
            if place % every == 0:
                progress(f"{place:,} of {len(log.events):,} events, {len(found.users):,} lists of each version")
    found.known = max(len(world.catalog.item_ids) for world in worlds.values())
    return found


def _world(log: Log, version: Version, seed: int) -> ReplayedWorld:
    return ReplayedWorld(version.settings, log, length=version.settings.list_length, seed=seed)


def _drawn(events: Sequence[Event], start_ms: int, most: int, seed: int) -> set[int]:
    """The places of the events that are predicted."""
    is_wanted = wanted(events)
    places = [place for place, each in enumerate(events) if is_wanted[place] and each.at_ms >= start_ms]
    return set(np.random.default_rng(seed).permutation(places)[:most].tolist())


def _list(world: ReplayedWorld, version: Version, event: Event) -> Listed:
    world.recommender.apply_model(version.model)
    return world.recommend(event.user, event.at_ms)


def _figures(listed: Listed, target: str) -> NDArray[np.float64]:
    places = tuple(place for place, item in enumerate(listed.items, 1) if item == target)
    return np.array([*judge(places, 1)[_PLACES], listed.made.ranking.diversity], np.float64)
