"""The refreshed lists: made for the users of a batch together, written for the wire, and counted."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from features.behaviour import Behaviour
from features.item import key_of
from features.profile import Profile
from features.recommendation import Source
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.ranking.ranking import Ranking, rank
from inference.retrieval.candidates import SOURCES, Trends, find_trends, generate_candidates, recent_items
from inference.retrieval.tastes import find_tastes
from streams.catalog.index_client import IndexClient
from streams.interactions.attribution import Attribution
from streams.interactions.behaviour_cache import BehaviourCache
from streams.metrics import CANDIDATES, FILTERED, LIST_DIVERSITY, RECOMMENDATIONS, SHORT_LISTS, StageTimer
from streams.wire.events import Interaction, Recommendations, Trigger, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import RECOMMENDATIONS as TOPIC

#: So many users are ranked together: more gain nothing, and their candidates no longer fit into the processor's cache.
TOGETHER = 64

_PROPOSED = {source: CANDIDATES.labels(source) for source in SOURCES}

#: What a list answers.
Cause = tuple[Record, Interaction]


@dataclass(frozen=True, slots=True)
class MadeList:
    """A list and what it answers."""

    record: Record
    event: Interaction
    ranking: Ranking
    #: How many candidates each source gave, and how many each filter took.
    proposed: dict[Source, int]
    filtered: dict[str, int]
    at_ms: int

    @property
    def rec_id(self) -> str:
        """A list's name: where in events.interactions its cause stands, so the same when it is made again."""
        return f"{self.record.partition}-{self.record.offset}"


class ListMaker:
    """Makes lists from profiles, the catalogue and what the crowd does."""

    def __init__(
        self,
        crowd: BehaviourCache,
        catalog: Catalog,
        nearby: IndexClient | None,
        *,
        namespace: Namespace,
        length: int,
        clock_ms: Callable[[], int],
    ) -> None:
        self._crowd = crowd
        self._catalog = catalog
        self._nearby = nearby
        self._namespace = namespace
        self._length = length
        self._clock_ms = clock_ms
        self._attribution = Attribution()
        self._known_trends = (NO_TRENDS, find_trends(NO_TRENDS, catalog, 0))

    def expect(self, items: Collection[int]) -> None:
        """The next lists will be about items with these keys."""
        self._crowd.expect(items)

    async def make(self, asked: Sequence[tuple[Profile, Cause]], stages: StageTimer) -> list[MadeList]:
        """A list for each of these users."""
        recent = {item for profile, _ in asked for item in recent_items(profile)}
        behaviours = await self._crowd.behaviours(recent)
        made: list[MadeList] = []
        for start in range(0, len(asked), TOGETHER):
            together = asked[start : start + TOGETHER]
            if self._nearby is not None:
                await self._nearby.prefetch([profile for profile, _ in together], self._clock_ms())
            made += self._rank(together, behaviours, stages)
        return made

    @property
    def _degraded(self) -> list[str]:
        return self._crowd.degraded + (self._nearby.degraded if self._nearby is not None else [])

    def _rank(
        self, asked: Sequence[tuple[Profile, Cause]], behaviours: Mapping[int, Behaviour], stages: StageTimer
    ) -> list[MadeList]:
        now_ms = self._clock_ms()
        trends = self._trends(now_ms)
        profiles = [profile for profile, _ in asked]
        users = [key_of(event.user_id) for _, (_, event) in asked]
        tastes = find_tastes(profiles, self._catalog, now_ms)
        candidates = generate_candidates(tastes, profiles, users, self._catalog, behaviours, trends, now_ms)
        stages.end("candidates")
        rankings = rank(candidates, tastes, self._catalog, trends, length=self._length, now_ms=now_ms)
        stages.end("rank")
        return [
            MadeList(record, event, ranking, proposed, filtered, now_ms)
            for (_, (record, event)), ranking, proposed, filtered in zip(
                asked, rankings, candidates.source_counts(), candidates.filtered, strict=True
            )
        ]

    def _trends(self, now_ms: int) -> Trends:
        """The trends by row, worked out once for each table and size of the catalogue: a second old in any case."""
        table, trends = self._known_trends
        if table is not self._crowd.trends or len(trends.trend) != len(self._catalog.keys):
            trends = find_trends(self._crowd.trends, self._catalog, now_ms)
            self._known_trends = (self._crowd.trends, trends)
        return trends

    def message(self, made: MadeList, stages: StageTimer) -> Message:
        """A list as it is published."""
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
            items=made.ranking.items,
            filtered=made.filtered,
            degraded=self._degraded,
            model={"encoder": self._catalog.encoder or "none", "ranker": "weighted@1"},
            timings_ms={"queue": float(stages.started_ms - record.timestamp_ms), **stages.milliseconds},
        )
        headers = tuple(header for header in record.headers if header[0] == "traceparent")
        return Message(self._namespace.topic(TOPIC), record.key, encode(recommendations), headers)

    def count(self, made: Sequence[MadeList]) -> None:
        """Note that lists were published."""
        self._attribution.published({each.rec_id: each.ranking.items for each in made})
        RECOMMENDATIONS.labels("feed", ",".join(self._degraded)).inc(len(made))
        SHORT_LISTS.inc(sum(len(each.ranking.items) < self._length for each in made))
        filtered: Counter[str] = Counter()
        for each in made:
            filtered.update(each.filtered)
        # One list of a batch stands for all: to observe each would cost a twentieth of the processor.
        for each in made[:1]:
            LIST_DIVERSITY.observe(each.ranking.diversity)
            for source, count in each.proposed.items():
                _PROPOSED[source].observe(count)
        for reason, count in filtered.items():
            FILTERED.labels(reason).inc(count)

    def feedback(self, kind: str, rec_id: str, item_id: str) -> None:
        """Count an applied event of type `kind` that names its list."""
        self._attribution.feedback(kind, rec_id, item_id)
