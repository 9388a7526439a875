"""Makes the lists of users from their profiles, after an event, or when a request asks."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.item import key_of
from features.profile import Profile
from features.recommendation import Source
from features.search_filter import NO_FILTER, SearchFilter
from inference.catalog.search import find_similar
from inference.experiment import Arm, Experiment
from inference.ranking.model import RankerModel
from inference.recommender import Prepared, Recommended, Recommender
from inference.retrieval.trained import TrainedModel
from inference.shop_rules.exclusions import excluded_by
from inference.shop_rules.rules import ShopRules
from streams.catalog.index_client import IndexClient
from streams.interactions.allowance import Allowance
from streams.interactions.behaviour_cache import BehaviourCache
from streams.metrics import StageTimer

#: Maximum number of users ranked together. More bring no gain: their candidates no longer fit the processor's cache.
TOGETHER: Final = 64
NOTHING_TRAINED: Final[Mapping[Source, Callable[[], TrainedModel | None]]] = {}
#: A user's id and profile.
Asker = tuple[str, Profile]


@dataclass(frozen=True, slots=True)
class Feed:
    """A list, made at `at_ms`; `arm` is the user's in an experiment."""

    recommended: Recommended
    at_ms: int
    arm: Arm | None


class FeedMaker:
    """Fetches behaviours and similar rows, and gets lists from the recommender by the models that hold now."""

    def __init__(
        self,
        behaviour_cache: BehaviourCache,
        recommender: Recommender,
        index_client: IndexClient | None,
        *,
        model: Callable[[], RankerModel | None] = lambda: None,
        trained: Mapping[Source, Callable[[], TrainedModel | None]] = NOTHING_TRAINED,
        shop_rules: Callable[[], ShopRules | None] = lambda: None,
        experiment: Experiment | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.recommender = recommender
        self.experiment = experiment
        self._model, self._trained, self._shop_rules = model, trained, shop_rules
        self._behaviour_cache = behaviour_cache
        self.index_client = index_client
        self._clock_ms = clock_ms

    def prefetch(self, items: Collection[int]) -> None:
        """Start to read the data that the next lists need, given the keys of their items."""
        self._behaviour_cache.prefetch(items)

    @property
    def degraded(self) -> list[str]:
        """What lists are made without now."""
        return self._behaviour_cache.degraded + (self.index_client.degraded if self.index_client is not None else [])

    async def make(
        self,
        askers: Sequence[Asker],
        stages: StageTimer,
        *,
        length: int | None = None,
        within: SearchFilter = NO_FILTER,
    ) -> list[Feed]:
        """One list for each asker, in their order, all by the same ranker; see `Recommender.recommend`."""
        self.apply_models()
        behaviours = await self._behaviour_cache.behaviours(self.recommender.needed(profile for _, profile in askers))
        found: dict[int, Feed] = {}
        for arm, places in self._groups(askers):
            group = [askers[place] for place in places]
            now_ms = self._clock_ms()
            prepared = self.recommender.prepare([profile for _, profile in group], now_ms)
            if self.index_client is not None:
                await self.index_client.prefetch(prepared.medoids())
                now_ms = self._clock_ms()
            made = self._recommend(prepared, group, behaviours, stages, now_ms, arm, length, within)
            found.update(zip(places, (Feed(each, now_ms, arm) for each in made), strict=True))
        return [found[place] for place in range(len(askers))]

    async def study(
        self, profiles: Sequence[Profile], subjects: Sequence[tuple[int, str]], seconds: Allowance
    ) -> list[tuple[NDArray[np.float32], int] | None]:
        """What the ranker that learns knows of the candidates of some users, and which one an item is among them.

        The users have these profiles; `subjects` are their keys and the ids of their items. See `Recommender.study`.
        """
        behaviours = await self._behaviour_cache.behaviours(self.recommender.needed(profiles))
        with seconds.timed():
            now_ms = self._clock_ms()
            prepared = self.recommender.prepare(profiles, now_ms)
        if self.index_client is not None:
            await self.index_client.prefetch(prepared.medoids())
        users, items = zip(*subjects, strict=True)
        with seconds.timed():
            return self.recommender.study(items, prepared, users, behaviours, self._behaviour_cache.trends, now_ms)

    def arm_of(self, user_id: str) -> Arm | None:
        """The arm of a user in the experiment that runs; None where none does."""
        return None if self.experiment is None else self.experiment.arm_of(user_id)

    def teaches(self, user_id: str) -> bool:
        """Whether the user's lists have the candidates of all sources, ranked by the model that learns."""
        arm = self.arm_of(user_id)
        return arm is None or (arm.ranker == "online" and not arm.without)

    async def find_similar(
        self, query: NDArray[np.float32], count: int, search_filter: SearchFilter
    ) -> NDArray[np.int64]:
        """See FindSimilar, here or in the index that workers share, less what the shop excludes.

        Raises StateUnavailable while the shared index is away.
        """
        limits = replace(search_filter, excluded=excluded_by(self._shop_rules(), self._clock_ms()))
        if self.index_client is not None:
            return await self.index_client.find_similar(query, count, limits)
        return await find_similar(self.recommender.catalog, query, count, limits)

    def apply_models(self) -> None:
        """Have the recommender go by the models, and the rules of the shop, that hold now."""
        self.recommender.apply_model(self._model())
        self.recommender.apply_rules(self._shop_rules())
        for source, trained in self._trained.items():
            self.recommender.apply_trained(source, trained())

    def _groups(self, askers: Sequence[Asker]) -> Iterator[tuple[Arm | None, Sequence[int]]]:
        """The places of the askers whose lists are made together: those of one arm, TOGETHER at most."""
        arms: dict[Arm | None, list[int]] = {}
        for place, (user_id, _) in enumerate(askers):
            arms.setdefault(self.arm_of(user_id), []).append(place)
        for arm, places in arms.items():
            for start in range(0, len(places), TOGETHER):
                yield arm, places[start : start + TOGETHER]

    def _recommend(
        self,
        prepared: Prepared,
        group: Sequence[Asker],
        behaviours: Mapping[int, Behaviour],
        stages: StageTimer,
        now_ms: int,
        arm: Arm | None,
        length: int | None,
        within: SearchFilter,
    ) -> list[Recommended]:
        users, cache = [key_of(user_id) for user_id, _ in group], self._behaviour_cache
        return self.recommender.recommend(
            prepared,
            users,
            behaviours,
            cache.trends,
            now_ms,
            stages.end,
            arm=arm,
            met=cache.met,
            length=length,
            within=within,
        )
