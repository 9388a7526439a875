"""Makes, encodes and counts refreshed lists, for all users of a batch together."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.item import key_of
from features.profile import Profile
from features.recommendation import Source
from inference.experiment import Arm, Experiment
from inference.ranking.model import RankerModel
from inference.ranking.rules import ListRules
from inference.recommender import Prepared, Recommended, Recommender
from inference.retrieval.trained import TrainedModel
from inference.shop_rules.rules import ShopRules
from streams.catalog.index_client import IndexClient
from streams.interactions.allowance import Allowance
from streams.interactions.attribution import Attribution
from streams.interactions.behaviour_cache import BehaviourCache
from streams.metrics import CANDIDATES, FILTERED, LIST_DIVERSITY, RECOMMENDATIONS, SHORT_LISTS, StageTimer
from streams.settings import Settings
from streams.wire.cloud_events import trace_headers
from streams.wire.events import ExperimentArm, Interaction, Recommendations, Trigger, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import RECOMMENDATIONS as TOPIC

#: Maximum number of users ranked together. More bring no gain: their candidates no longer fit the processor's cache.
TOGETHER = 64

NOTHING_TRAINED: Final[Mapping[Source, Callable[[], TrainedModel | None]]] = {}

_CANDIDATE_COUNTS = {source: CANDIDATES.labels(source) for source in Recommender.sources}

#: The record and interaction that caused a list.
Cause = tuple[Record, Interaction]
#: A user who gets a list.
Due = tuple[Profile, Cause]


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list and its cause (`record`, `event`); `at_ms` is when it was made, `arm` the user's in an experiment."""

    record: Record
    event: Interaction
    recommended: Recommended
    at_ms: int
    arm: Arm | None = None

    @property
    def rec_id(self) -> str:
        """Deterministic id: partition and offset of the cause in events.interactions; equal on replay."""
        return f"{self.record.partition}-{self.record.offset}"


def rules_of(settings: Settings) -> ListRules:
    """The rules of the lists that workers with these settings make."""
    return ListRules(settings.explore_share, settings.category_cap, settings.owner_cap, settings.across_categories)


class ListMaker:
    """Fetches behaviours and similar rows, gets lists from the recommender, and encodes them as messages."""

    def __init__(
        self,
        behaviour_cache: BehaviourCache,
        recommender: Recommender,
        index_client: IndexClient | None,
        *,
        namespace: Namespace,
        model: Callable[[], RankerModel | None] = lambda: None,
        trained: Mapping[Source, Callable[[], TrainedModel | None]] = NOTHING_TRAINED,
        shop_rules: Callable[[], ShopRules | None] = lambda: None,
        experiment: Experiment | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._model, self._trained, self._shop_rules = model, trained, shop_rules
        self._behaviour_cache = behaviour_cache
        self._recommender = recommender
        self._index_client = index_client
        self._namespace = namespace
        self._experiment = experiment
        self._clock_ms = clock_ms
        self._attribution = Attribution()

    def prefetch(self, items: Collection[int]) -> None:
        """Start to read the data that the next lists need, given the keys of their items."""
        self._behaviour_cache.prefetch(items)

    async def make(self, due: Sequence[Due], stages: StageTimer) -> list[MadeList]:
        """Make one list for each of these users, all by the same ranker and rules."""
        self._recommender.apply_model(self._model())
        self._recommender.apply_rules(self._shop_rules())
        for source, trained in self._trained.items():
            self._recommender.apply_trained(source, trained())
        behaviours = await self._behaviour_cache.behaviours(self._recommender.needed(profile for profile, _ in due))
        made: list[MadeList] = []
        for arm, group in self._groups(due):
            now_ms = self._clock_ms()
            prepared = self._recommender.prepare([profile for profile, _ in group], now_ms)
            if self._index_client is not None:
                await self._index_client.prefetch(prepared.medoids())
                now_ms = self._clock_ms()
            made += self._recommend(prepared, [cause for _, cause in group], behaviours, stages, now_ms, arm)
        return made

    async def study(
        self, profiles: Sequence[Profile], subjects: Sequence[tuple[int, str]], seconds: Allowance
    ) -> list[tuple[NDArray[np.float32], int] | None]:
        """What the ranker that learns knows of the candidates of some users, and which one an item is among them.

        The users have these profiles; `subjects` are their keys and the ids of their items. See `Recommender.study`.
        """
        behaviours = await self._behaviour_cache.behaviours(self._recommender.needed(profiles))
        with seconds.timed():
            now_ms = self._clock_ms()
            prepared = self._recommender.prepare(profiles, now_ms)
        if self._index_client is not None:
            await self._index_client.prefetch(prepared.medoids())
        users, items = zip(*subjects, strict=True)
        with seconds.timed():
            return self._recommender.study(items, prepared, users, behaviours, self._behaviour_cache.trends, now_ms)

    def teaches(self, event: Interaction) -> bool:
        """Whether the user's lists have the candidates of all sources, ranked by the model that learns.

        An event on a slot that the shop decided does not teach: it does not say that the item stood there by its worth.
        """
        arm = None if self._experiment is None else self._experiment.arm_of(event.user_id)
        is_learned = arm is None or (arm.ranker == "online" and not arm.without)
        return is_learned and not self._attribution.was_promoted(event.rec_id, event.item_id)

    def shown(self, rec_id: str | None) -> list[str]:
        """The items of a list that this worker published and remembers, in the order of its slots."""
        return self._attribution.slots(rec_id)

    def _groups(self, due: Sequence[Due]) -> Iterator[tuple[Arm | None, Sequence[Due]]]:
        """The users whose lists are made together: those of one arm, TOGETHER at most."""
        for arm, users in [(None, due)] if self._experiment is None else _by_arm(self._experiment, due):
            for start in range(0, len(users), TOGETHER):
                yield arm, users[start : start + TOGETHER]

    @property
    def _degraded(self) -> list[str]:
        return self._behaviour_cache.degraded + (self._index_client.degraded if self._index_client is not None else [])

    def _recommend(
        self,
        prepared: Prepared,
        causes: Sequence[Cause],
        behaviours: Mapping[int, Behaviour],
        stages: StageTimer,
        now_ms: int,
        arm: Arm | None,
    ) -> list[MadeList]:
        users = [key_of(event.user_id) for _, event in causes]
        cache = self._behaviour_cache
        lists = self._recommender.recommend(
            prepared, users, behaviours, cache.trends, now_ms, stages.end, arm=arm, met=cache.met
        )
        return [MadeList(*cause, each, now_ms, arm) for cause, each in zip(causes, lists, strict=True)]

    def message(self, made: MadeList, stages: StageTimer) -> Message:
        """Return the message that publishes a list."""
        record, event = made.record, made.event
        recommendations = Recommendations(
            rec_id=made.rec_id,
            user_id=event.user_id,
            seq=record.offset,
            kind="feed",
            generated_at_ms=made.at_ms,
            trigger=Trigger(
                event_id=event.event_id,
                type=event.type,
                item_id=event.item_id,
                occurred_at_ms=event.occurred_at_ms,
            ),
            items=made.recommended.ranking.items,
            filtered=made.recommended.filtered,
            degraded=self._degraded,
            model=self._recommender.model_of(made.arm),
            timings_ms={"queue": float(max(stages.started_ms - record.timestamp_ms, 0)), **stages.milliseconds},
            experiment=self._label(made.arm),
        )
        topic = self._namespace.topic(TOPIC)
        return Message(topic, record.key, encode(recommendations), trace_headers(record, event))

    def _label(self, arm: Arm | None) -> ExperimentArm | None:
        if self._experiment is None or arm is None:
            return None
        return ExperimentArm(name=self._experiment.name, arm=arm.name)

    def count(self, made: Sequence[MadeList]) -> None:
        """Count published lists."""
        arms = {each.rec_id: each.arm.name for each in made if each.arm is not None}
        self._attribution.published({each.rec_id: each.recommended.ranking.items for each in made}, arms)
        RECOMMENDATIONS.labels("feed", ",".join(self._degraded)).inc(len(made))
        SHORT_LISTS.inc(sum(len(each.recommended.ranking.items) < self._recommender.length for each in made))
        filtered: Counter[str] = Counter()
        for each in made:
            filtered.update(each.recommended.filtered)
        # Only the first list of a batch is observed: observing each would cost a twentieth of the processor time.
        for each in made[:1]:
            LIST_DIVERSITY.observe(each.recommended.ranking.diversity)
            for source, count in each.recommended.proposed.items():
                _CANDIDATE_COUNTS[source].observe(count)
        for reason, count in filtered.items():
            FILTERED.labels(reason).inc(count)

    def feedback(self, kind: str, rec_id: str, item_id: str, dwell_ms: int | None) -> None:
        """Count an applied event of type `kind` that names its list."""
        self._attribution.feedback(kind, rec_id, item_id, dwell_ms)


def _by_arm(experiment: Experiment, due: Sequence[Due]) -> list[tuple[Arm, Sequence[Due]]]:
    users: dict[Arm, list[Due]] = {arm: [] for arm in experiment.arms}
    for each in due:
        _, (_, event) = each
        users[experiment.arm_of(event.user_id)].append(each)
    return [*users.items()]
