"""Makes, encodes and counts refreshed lists, for all users of a batch together."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from features.behaviour import Behaviour
from features.item import key_of
from features.profile import Profile
from inference.ranking.rules import ListRules
from inference.recommender import Prepared, Recommended, Recommender
from streams.catalog.index_client import IndexClient
from streams.interactions.attribution import Attribution
from streams.interactions.behaviour_cache import BehaviourCache
from streams.metrics import CANDIDATES, FILTERED, LIST_DIVERSITY, RECOMMENDATIONS, SHORT_LISTS, StageTimer
from streams.settings import Settings
from streams.wire.cloud_events import trace_headers
from streams.wire.events import Interaction, Recommendations, Trigger, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import RECOMMENDATIONS as TOPIC

#: Maximum number of users ranked together. More bring no gain: their candidates no longer fit the processor's cache.
TOGETHER = 64

_CANDIDATE_COUNTS = {source: CANDIDATES.labels(source) for source in Recommender.sources}

#: The record and interaction that caused a list.
Cause = tuple[Record, Interaction]


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list and its cause (`record`, `event`); `at_ms` is when it was made."""

    record: Record
    event: Interaction
    recommended: Recommended
    at_ms: int

    @property
    def rec_id(self) -> str:
        """Deterministic id: partition and offset of the cause in events.interactions; equal on replay."""
        return f"{self.record.partition}-{self.record.offset}"


def rules_of(settings: Settings) -> ListRules:
    """The rules of the lists that workers with these settings make."""
    return ListRules(settings.explore_share, settings.category_cap, settings.owner_cap)


class ListMaker:
    """Fetches behaviours and similar rows, gets lists from the recommender, and encodes them as messages."""

    def __init__(
        self,
        behaviour_cache: BehaviourCache,
        recommender: Recommender,
        index_client: IndexClient | None,
        *,
        namespace: Namespace,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._behaviour_cache = behaviour_cache
        self._recommender = recommender
        self._index_client = index_client
        self._namespace = namespace
        self._clock_ms = clock_ms
        self._attribution = Attribution()

    def prefetch(self, items: Collection[int]) -> None:
        """Start to read the data that the next lists need, given the keys of their items."""
        self._behaviour_cache.prefetch(items)

    async def make(self, due: Sequence[tuple[Profile, Cause]], stages: StageTimer) -> list[MadeList]:
        """Make one list for each of these users."""
        behaviours = await self._behaviour_cache.behaviours(self._recommender.needed(profile for profile, _ in due))
        made: list[MadeList] = []
        for start in range(0, len(due), TOGETHER):
            group = due[start : start + TOGETHER]
            now_ms = self._clock_ms()
            prepared = self._recommender.prepare([profile for profile, _ in group], now_ms)
            if self._index_client is not None:
                await self._index_client.prefetch(prepared.medoids())
                now_ms = self._clock_ms()
            made += self._recommend(prepared, [cause for _, cause in group], behaviours, stages, now_ms)
        return made

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
    ) -> list[MadeList]:
        users = [key_of(event.user_id) for _, event in causes]
        cache = self._behaviour_cache
        lists = self._recommender.recommend(
            prepared, users, behaviours, cache.trends, now_ms, stages.end, met=cache.met
        )
        return [MadeList(*cause, each, now_ms) for cause, each in zip(causes, lists, strict=True)]

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
            model=self._recommender.model,
            timings_ms={"queue": float(max(stages.started_ms - record.timestamp_ms, 0)), **stages.milliseconds},
        )
        topic = self._namespace.topic(TOPIC)
        return Message(topic, record.key, encode(recommendations), trace_headers(record, event))

    def count(self, made: Sequence[MadeList]) -> None:
        """Count published lists."""
        self._attribution.published({each.rec_id: each.recommended.ranking.items for each in made})
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

    def feedback(self, kind: str, rec_id: str, item_id: str) -> None:
        """Count an applied event of type `kind` that names its list."""
        self._attribution.feedback(kind, rec_id, item_id)
