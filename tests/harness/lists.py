"""Lists of a small world (`tests.harness.catalog`), and the steps to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.behaviour import UNKNOWN, Behaviour, Engagement
from features.dials import NO_DIALS, turn
from features.item import Item, key_of
from features.ledger import EMPTY
from features.profile import Action, Profile
from features.recommendation import RecommendedItem, Source
from features.trends import NO_TRENDS, update_trends
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.exploration.newcomers import NOBODY_MET, find_newcomers
from inference.factors.space import FactorSpace
from inference.ranking.ranking import RULES, Ranking, WeightedRanker, rank
from inference.ranking.rules import ListRules
from inference.retrieval.candidates import Candidates, generate_candidates
from inference.retrieval.cross import find_cross
from inference.retrieval.query import Query
from inference.retrieval.sources.table import SOURCE_NAMES
from inference.retrieval.tastes import find_tastes
from inference.retrieval.trends import find_trends
from inference.sequence.space import SequenceSpace
from inference.trained.source import Space
from tests.harness.catalog import DIMENSIONS, ENCODER, NOW, item, profile_of, vector
from tests.harness.engagements import apply_engagement


def catalog_of(*changes: tuple[str, Item | None]) -> Catalog:
    """A catalogue after some changes."""
    catalog = Catalog(DIMENSIONS)
    catalog.apply(changes)
    return catalog


def chosen_after(**followers: float) -> Behaviour:
    """The behaviour of an item after which others were chosen; `red_1` stands for red-1."""
    links = tuple((key_of(name.replace("_", "-")), weight) for name, weight in followers.items())
    return apply_engagement(UNKNOWN, Engagement(0, NOW, 1.0, links, 0, 0))


def steps_of(**sessions: str) -> RecentSteps:
    """The steps of some users, one user after the other: `u2="red-0 red-1"` for a session of u2."""
    recent = RecentSteps(1000)
    for user, names in sessions.items():
        items = np.array([key_of(name) for name in names.split()], np.uint64)
        recent.append(np.full(len(items), key_of(user), np.uint64), items)
    return recent


def query_of(
    catalog: Catalog,
    profiles: Sequence[Profile],
    users: Sequence[int],
    behaviours: Mapping[str, Behaviour] | None = None,
    trends: Mapping[str, tuple[float, float]] | None = None,
    recent_steps: RecentSteps | None = None,
    met: NDArray[np.void] | None = None,
    space: FactorSpace | None = None,
    sequence: SequenceSpace | None = None,
) -> Query:
    """What the lists of some users are made from; `trends` are (popular, trend) by item."""
    table = {key_of(name): Behaviour(EMPTY, *sums, NOW) for name, sums in (trends or {}).items()}
    tastes = find_tastes(profiles, catalog, NOW)
    spaces: dict[Source, Space | None] = {"factors": space, "sequence": sequence}
    trained = {
        source: each.judge(profiles, tastes.rows, tastes.weights) for source, each in spaces.items() if each is not None
    }
    return Query(
        profiles,
        users,
        tastes,
        {key_of(name): behaviour for name, behaviour in (behaviours or {}).items()},
        find_trends(update_trends(NO_TRENDS, table, NOW), catalog, NOW),
        catalog,
        NOW,
        recent_steps=recent_steps,
        trained=trained,
        newcomers=find_newcomers(NOBODY_MET if met is None else met, catalog),
        cross=None if recent_steps is None else find_cross(recent_steps, catalog, NOW),
    )


def query_after(
    catalog: Catalog,
    *actions: Action,
    user: str = "u1",
    behaviours: Mapping[str, Behaviour] | None = None,
    trends: Mapping[str, tuple[float, float]] | None = None,
    dials: Mapping[str, float] | None = None,
    recent_steps: RecentSteps | None = None,
    met: NDArray[np.void] | None = None,
    space: FactorSpace | None = None,
    sequence: SequenceSpace | None = None,
) -> Query:
    """What the list of one user after some actions is made from."""
    profile = replace(profile_of(*actions), dials=turn(NO_DIALS, list((dials or {}).items())))
    return query_of(catalog, [profile], [key_of(user)], behaviours, trends, recent_steps, met, space, sequence)


def candidates_of(catalog: Catalog, *actions: Action, **facts: Any) -> Candidates:
    """The candidates of one user after some actions; for `facts` see `query_after`."""
    return generate_candidates(query_after(catalog, *actions, **facts))


def names(catalog: Catalog, found: Candidates, source: str | None = None) -> set[str]:
    """The ids of the candidates, of one source if it is given."""
    return {
        catalog.item_ids[row]
        for row, code in zip(found.rows, found.sources, strict=True)
        if source in (None, SOURCE_NAMES[code])
    }


def value(catalog: Catalog, found: Candidates, field: str, name: str) -> float:
    """A field of one candidate."""
    return float(getattr(found, field)[found.rows.tolist().index(catalog.row_of(name))])


def ranked(catalog: Catalog, *actions: Action, length: int = 10, rules: ListRules = RULES, **facts: Any) -> Ranking:
    """The list of one user after some actions; for `facts` see `query_after`."""
    query = query_after(catalog, *actions, **facts)
    (ranking,) = rank(WeightedRanker(), query, generate_candidates(query), length=length, rules=rules)
    return ranking


def ids(ranking: Ranking) -> list[str]:
    """The items of a list."""
    return [slot.item_id for slot in ranking.items]


def slot_of(ranking: Ranking, name: str) -> RecommendedItem:
    """The slot of an item."""
    return ranking.items[ids(ranking).index(name)]


def about(value: float) -> Any:
    """Equal to `value` within what float16 leaves of it."""
    return pytest.approx(value, abs=2e-3)


def at_angle(name: str, cosine: float, **facts: Any) -> Item:
    """An item whose picture has this cosine to red-0's, and none to any other's."""
    own = np.zeros(DIMENSIONS, np.float32)
    own[DIMENSIONS - 1] = 1
    looks = cosine * vector("red-0") + np.sqrt(1 - cosine**2) * own
    return replace(item("red-0", **facts), item_id=name, embeddings={ENCODER: looks.astype("<f2").tobytes()})


def unlike_all(number: int, **facts: Any) -> Item:
    """An item `i<number>` whose picture is unlike all others."""
    looks = np.zeros(DIMENSIONS, np.float32)
    looks[number] = 1
    return replace(item("red-0", **facts), item_id=f"i{number}", embeddings={ENCODER: looks.astype("<f2").tobytes()})
