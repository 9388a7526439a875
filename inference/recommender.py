"""The one door to recommendations: from profiles to finished lists."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.profile import Profile
from features.recommendation import Source
from features.search_filter import NO_FILTER, SearchFilter
from features.trends import NO_TRENDS
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.catalog.vector_space import SIMILAR_COUNT
from inference.experiment import Arm
from inference.explain.explain import explain
from inference.explain.explanation import Explanation, Subject
from inference.exploration.newcomers import NO_NEWCOMERS, NOBODY_MET, Newcomers, find_newcomers
from inference.ranking.arms import left_out, own_ranker
from inference.ranking.features import find_features
from inference.ranking.model import RankerModel
from inference.ranking.online import OnlineRanker
from inference.ranking.ranker import label
from inference.ranking.ranking import RULES, Ranking, Scorer, WeightedRanker, rank
from inference.ranking.rules import ListRules
from inference.ranking.signals import find_signals
from inference.retrieval.candidates import count_sources, generate_candidates
from inference.retrieval.cross import Cross, find_cross
from inference.retrieval.exhaustive import follows_interests
from inference.retrieval.limits import limits
from inference.retrieval.merge import NO_ROWS
from inference.retrieval.query import Query
from inference.retrieval.sources.co_engaged import recent_items
from inference.retrieval.sources.table import SOURCE_NAMES
from inference.retrieval.tastes import Tastes, find_tastes
from inference.retrieval.trained import TrainedModel, space_of
from inference.retrieval.trends import Trends, find_trends
from inference.shop_rules.rules import ShopRules
from inference.shop_rules.shop import Shop
from inference.trained.source import Judgement, Space

#: Pictures that searches for look-alikes give when a list is short, one after the other.
WIDER_REACHES = (8 * SIMILAR_COUNT, 64 * SIMILAR_COUNT)
#: For so long trends are taken as they are.
_TRENDS_MS = 60_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """Profiles with their tastes; `changes` is `Catalog.changes` at that time."""

    profiles: Sequence[Profile]
    tastes: Tastes
    changes: int

    def medoids(self) -> list[NDArray[np.int64]]:
        """For each user the rows whose look-alikes the list needs: an index in another process is asked before."""
        return self.tastes.medoids()


@dataclass(frozen=True, slots=True)
class Recommended:
    """A list, the `sources` int8 [n] of its candidates, and how many others each filter took out."""

    ranking: Ranking
    sources: NDArray[np.int8]
    filtered: dict[str, int]

    @property
    def proposed(self) -> dict[Source, int]:
        """How many candidates are credited to each source; counted when it is asked for."""
        return count_sources(self.sources)


class Recommender:
    """Makes lists of `length` slots: tastes, sources, filters, signals, ranking, reasons. It waits for nothing."""

    #: The sources of candidates, in the order in which a candidate is credited.
    sources = SOURCE_NAMES

    def __init__(
        self,
        catalog: Catalog,
        *,
        length: int,
        recent_steps: RecentSteps | None = None,
        rules: ListRules = RULES,
    ) -> None:
        self.length = length
        self._rules = rules
        self._recent_steps = recent_steps
        self.catalog = catalog
        self._ranker: WeightedRanker | OnlineRanker = WeightedRanker()
        self._trained: dict[Source, Space] = {}
        #: The last that was prepared of each source.
        self._prepared: dict[Source, Space] = {}
        self._shop = Shop(catalog)
        self._known_trends = (NO_TRENDS, 0, find_trends(NO_TRENDS, catalog, 0))
        self._cross: Cross | None = None
        self._known_newcomers: tuple[NDArray[np.void], int, Newcomers] = (NOBODY_MET, -1, NO_NEWCOMERS)

    @property
    def model(self) -> dict[str, str]:
        """What the lists say that made them."""
        return self.model_of(None)

    def model_of(self, arm: Arm | None) -> dict[str, str]:
        """What the lists of an arm say that made them."""
        return {"encoder": self.catalog.pictures.encoder or "none", "ranker": label(self._ranker_of(arm))}

    def apply_model(self, model: RankerModel | None) -> None:
        """Rank by this model from the next batch on; without one by the hand weights."""
        self._ranker = WeightedRanker() if model is None else OnlineRanker(model)

    def prepare_trained(self, source: Source, model: TrainedModel) -> Iterator[None]:
        """Read the catalogue by this model, which may then be applied; a step takes some ms.

        Lists may be made, and the catalogue may change, between two steps.
        """
        space = space_of(self.catalog, model)
        while not space.align():
            yield
        self._prepared[source] = space

    def apply_trained(self, source: Source, model: TrainedModel | None) -> None:
        """Propose by this model from the next batch on; None: by none. It is prepared here where it was not before."""
        if model is None:
            self._trained.pop(source, None)
        elif source not in self._trained or self._trained[source].model is not model:
            if source not in self._prepared or self._prepared[source].model is not model:
                deque(self.prepare_trained(source, model), maxlen=0)
            self._trained[source] = self._prepared.pop(source)

    def apply_rules(self, rules: ShopRules | None) -> None:
        """Go by these rules of the shop from the next batch on; None: by none."""
        self._shop.apply(rules)

    def needed(self, profiles: Iterable[Profile]) -> set[int]:
        """The keys of the items whose behaviours `recommend` uses."""
        return {item for profile in profiles for item in recent_items(profile)}

    def prepare(self, profiles: Sequence[Profile], now_ms: int) -> Prepared:
        """The first step, after which the look-alikes of `medoids` may be waited for."""
        self.catalog.advance(now_ms)
        return Prepared(profiles, find_tastes(profiles, self.catalog, now_ms), self.catalog.changes)

    def recommend(
        self,
        prepared: Prepared,
        users: Sequence[int],
        behaviours: Mapping[int, Behaviour],
        trends: NDArray[np.void],
        now_ms: int,
        end: Callable[[str], None] = lambda _: None,
        *,
        arm: Arm | None = None,
        met: NDArray[np.void] = NOBODY_MET,
        length: int | None = None,
        within: SearchFilter = NO_FILTER,
    ) -> list[Recommended]:
        """The second step: the list of each prepared profile, whose users have these keys; USERS_LIMIT at most.

        `trends` is the trends table (`features.trends`), `met` says of the latest uploads how many users met them
        (`newcomers.count_met`). `end` is called at the end of each stage with its name,
        `candidates` or `rank`. `arm` is that of all these users while an experiment runs. If the catalogue changed
        since `prepare`, the tastes are worked out again: a row may be another item's by now. The lists have `length`
        slots where it is given, and only items within the limits `within`.
        """
        query, ranker = self._query(prepared, users, behaviours, trends, now_ms, arm, met), self._ranker_of(arm)
        query = replace(query, length=length or self.length, within=limits(self.catalog, within))
        found = self._make(query, ranker, end)
        for place, each in enumerate(found):
            if self._is_short(query, each):
                _, found[place] = self._make_longer(query, ranker, place, each)
        return found

    def study(
        self,
        items: Sequence[str],
        prepared: Prepared,
        users: Sequence[int],
        behaviours: Mapping[int, Behaviour],
        trends: NDArray[np.void],
        now_ms: int,
    ) -> list[tuple[NDArray[np.float32], int] | None]:
        """What the ranker that learns knows of the candidates of each prepared profile, and which one an item is.

        For each user the features float32 [m, f] of the candidates (`FEATURES`) and the place of the user's item among
        them; None where it is no candidate. For the other arguments see `recommend`. Nothing is promoted.
        """
        query = self._query(prepared, users, behaviours, trends, now_ms)
        query = replace(query, without=frozenset({"promoted"}))
        candidates = generate_candidates(query)
        features = find_features(query, candidates, find_signals(query, candidates))
        found: list[tuple[NDArray[np.float32], int] | None] = []
        for item, (start, end) in zip(items, pairwise(candidates.bounds.tolist()), strict=True):
            row = self.catalog.row_of(item)
            places = [] if row is None else np.flatnonzero(candidates.rows[start:end] == row).tolist()
            found.append((features[start:end], places[0]) if places else None)
        return found

    def explain(
        self,
        prepared: Prepared,
        user: int,
        behaviours: Mapping[int, Behaviour],
        trends: NDArray[np.void],
        now_ms: int,
        subject: Subject | None = None,
        *,
        arm: Arm | None = None,
        met: NDArray[np.void] = NOBODY_MET,
    ) -> Explanation:
        """What `recommend` gives the user of the only profile, with the reasons why the subject is there or is not."""
        query, ranker = self._query(prepared, [user], behaviours, trends, now_ms, arm, met), self._ranker_of(arm)
        (made,) = self._make(query, ranker)
        if self._is_short(query, made):
            query, _ = self._make_longer(query, ranker, 0, made)
        return replace(
            explain(query, ranker, self.length, subject, self._rules), arm=arm.name if arm is not None else None
        )

    def _ranker_of(self, arm: Arm | None) -> Scorer:
        return (own_ranker(arm) if arm is not None else None) or self._ranker

    def _query(
        self,
        prepared: Prepared,
        users: Sequence[int],
        behaviours: Mapping[int, Behaviour],
        trends: NDArray[np.void],
        now_ms: int,
        arm: Arm | None = None,
        met: NDArray[np.void] | None = None,
    ) -> Query:
        if prepared.changes != self.catalog.changes:
            prepared = self.prepare(prepared.profiles, now_ms)
        found, without = self._find_trends(trends, now_ms), left_out(arm)
        shop = self._shop.standing(now_ms)
        return Query(
            prepared.profiles,
            users,
            prepared.tastes,
            behaviours,
            found,
            self.catalog,
            now_ms,
            recent_steps=self._recent_steps,
            trained=self._judge(prepared.profiles, prepared.tastes, without),
            without=without,
            newcomers=self._find_newcomers(met),
            cross=None if "cross" in without else self._find_cross(now_ms),
            length=self.length,
            shop=shop,
            promoted=NO_ROWS if shop is None else self._shop.proposed(shop, found, now_ms),
        )

    def _is_short(self, query: Query, made: Recommended) -> bool:
        count = len(made.ranking.items)
        return count < query.length and count < self.catalog.choices

    def _make(self, query: Query, ranker: Scorer, end: Callable[[str], None] = lambda _: None) -> list[Recommended]:
        candidates = generate_candidates(query)
        end("candidates")
        rankings = rank(ranker, query, candidates, length=query.length, rules=self._rules)
        end("rank")
        return [
            Recommended(ranking, sources, filtered | ranking.pushed_out())
            for ranking, sources, filtered in zip(rankings, candidates.sources_of(), candidates.filtered, strict=True)
        ]

    def _make_longer(self, query: Query, ranker: Scorer, place: int, made: Recommended) -> tuple[Query, Recommended]:
        """The list of one user, which is short, from wider and wider searches until it is full or has everything.

        With the query of the last search.
        """
        profiles = [query.profiles[place]]
        tastes = find_tastes(profiles, self.catalog, query.now_ms)
        trained = self._judge(profiles, tastes, query.without)
        alone = replace(query, profiles=profiles, users=[query.users[place]], tastes=tastes, trained=trained)
        indexed = self.catalog.pictures.indexed if follows_interests(alone, 0) else 0
        reaches = [reach for reach in WIDER_REACHES if reach < indexed]
        wider = [replace(alone, reach=reach) for reach in reaches]
        every = replace(alone, reach=max(SIMILAR_COUNT, 2 * query.length), is_exhaustive=True)
        for query in [*wider, every]:
            (made,) = self._make(query, ranker)
            if len(made.ranking.items) == query.length:
                break
        return query, made

    def _judge(
        self, profiles: Sequence[Profile], tastes: Tastes, without: frozenset[Source]
    ) -> dict[Source, Judgement]:
        """What each trained model says of users with these profiles and tastes."""
        return {
            source: space.judge(profiles, tastes.rows, tastes.weights)
            for source, space in self._trained.items()
            if source not in without
        }

    def _find_trends(self, table: NDArray[np.void], now_ms: int) -> Trends:
        """The trends by row, worked out once for each table and size of the catalogue, and again after a while.

        Tables are a second old, but for a time in which Redis is away: what trends fades nevertheless.
        """
        known, at_ms, trends = self._known_trends
        is_old = abs(now_ms - at_ms) >= _TRENDS_MS
        if table is not known or is_old or len(trends.trend) != len(self.catalog.keys):
            trends = find_trends(table, self.catalog, now_ms)
            self._known_trends = (table, now_ms, trends)
        return trends

    def _find_cross(self, now_ms: int) -> Cross | None:
        """What goes with items in other categories, for a while; None without steps, or by the rules."""
        known = self._cross
        if self._recent_steps is None or not self._rules.cross:
            return None
        if known is None or not known.serves(now_ms):
            self._cross = find_cross(self._recent_steps, self.catalog, now_ms)
        return self._cross

    def _find_newcomers(self, met: NDArray[np.void] | None) -> Newcomers:
        """The newcomers, worked out once for each table and state of the catalogue; none where nothing explores."""
        if met is None or not self._rules.explore_share:
            return NO_NEWCOMERS
        known, changes, newcomers = self._known_newcomers
        if met is not known or changes != self.catalog.changes:
            newcomers = find_newcomers(met, self.catalog)
            self._known_newcomers = (met, self.catalog.changes, newcomers)
        return newcomers
