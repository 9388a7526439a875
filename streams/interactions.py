"""The hub: users' interactions in, refreshed recommendations out."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from features.behaviour import Engagement, engagements
from features.item import key_of
from features.profile import Action, Profile, apply_interaction, is_applied, weigh
from features.trends import NO_TRENDS
from inference.candidates import Candidates, Trends, find_taste, find_trends, generate_candidates, recent_items
from inference.catalog import Catalog
from inference.ranking import Ranking, rank
from state.errors import StateUnavailable
from state.profiles import LoadedProfiles, ProfileCommit, ProfileStore
from streams.attribution import Attribution
from streams.batches import by_partition
from streams.crowd import Crowd
from streams.dead_letters import dead_letter
from streams.errors import InvalidEvent
from streams.events import Interaction, Recommendations, Trigger, encode
from streams.metrics import (
    CANDIDATES,
    CLAMPED_TIMES,
    DUPLICATES,
    EVENT_TO_RECOMMENDATION,
    EVENTS,
    FILTERED,
    LIST_DIVERSITY,
    MISROUTED,
    RECOMMENDATIONS,
    SHORT_LISTS,
)
from streams.output import Message, Publisher
from streams.parsing import Record, clamp_time, parse_interaction
from streams.positions import Positions
from streams.retrying import until_available
from streams.routing import partition_of
from streams.signals import SignalTopic
from streams.stages import Stages
from streams.topics import INTERACTIONS
from streams.topics import RECOMMENDATIONS as TOPIC

#: How old the neighbours of the items before the latest may be.
RECENT_AGE_S = 60.0

#: The events of a batch by partition and offset.
_Events = Mapping[tuple[int, int], Interaction | InvalidEvent]


@dataclass(slots=True)
class _Changes:
    """What one partition's records lead to: profiles by user, the last event of each user, messages to send along."""

    position: int
    profiles: dict[str, Profile] = field(default_factory=dict)
    triggers: dict[str, tuple[Record, Interaction]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)


class InteractionsAgent:
    """Applies micro-batches of events.interactions: published, then committed; a crash repeats output, never state.

    Lists leave by `lists`, signals and dead letters by `signals_out`: Kafka answers the requests of one connection one
    at a time, and lists should not queue behind signals.
    """

    def __init__(
        self,
        profiles: ProfileStore,
        crowd: Crowd,
        catalog: Catalog,
        lists: Publisher,
        signals_out: Publisher,
        positions: Positions,
        signals: SignalTopic,
        *,
        prefix: str,
        partitions: int,
        list_length: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._profiles = profiles
        self._crowd = crowd
        self._catalog = catalog
        self._lists = lists
        self._signals_out = signals_out
        self._positions = positions
        self._signals = signals
        self._prefix = prefix
        self._length = list_length
        self._clock_ms = clock_ms
        self._attribution = Attribution()
        self._known_trends = (NO_TRENDS, find_trends(NO_TRENDS, catalog, 0))
        self._partition_of = lru_cache(maxsize=65_536)(lambda key: partition_of(key, partitions))

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch; on return its effect is published and stored, or its partitions will be fetched again."""
        stages = Stages()
        batch = by_partition(records)
        events = {(record.partition, record.offset): _parse(record) for record in records}
        users = {partition: _users(found, events) for partition, found in batch.items()}
        chosen = {key_of(event.item_id) for event in events.values() if isinstance(event, Interaction)}
        loaded, _ = await asyncio.gather(
            until_available(lambda: self._profiles.load(users), StateUnavailable),
            # Fresh, since they are what the lists are about; asked for now to save a round trip later.
            self._crowd.behaviours(chosen),
        )
        stages.end("load")
        admitted = await self._positions.admit(batch, {p: found.position for p, found in loaded.items()})
        changed = {p: self._apply(new, events, loaded[p]) for p, new in admitted.items()}
        feeds = await self._recommend(list(changed.values()), stages)
        await asyncio.gather(
            self._lists.publish(feeds),
            self._signals_out.publish([message for each in changed.values() for message in each.messages]),
        )
        stages.end("publish")
        self._count(list(changed.values()))
        commits = [ProfileCommit(p, loaded[p].position, each.position, each.profiles) for p, each in changed.items()]
        refused = await until_available(lambda: self._profiles.commit(commits), StateUnavailable)
        self._positions.committed({p: each.position for p, each in changed.items() if p not in refused})
        await self._positions.refused(refused)
        stages.end("commit")

    def _apply(self, records: Sequence[Record], events: _Events, loaded: LoadedProfiles) -> _Changes:
        """One partition's events in order, each on the profile that the one before it left."""
        changes = _Changes(position=records[-1].offset)
        told: list[Engagement] = []
        for record in records:
            event = events[record.partition, record.offset]
            if isinstance(event, InvalidEvent):
                changes.messages.append(dead_letter(record, event, prefix=self._prefix))
                continue
            before = changes.profiles.get(event.user_id) or loaded.profiles[event.user_id]
            action = _action(event, record)
            if is_applied(before, action):
                DUPLICATES.labels("event").inc()
                EVENTS.labels(INTERACTIONS.name, event.type, "duplicate").inc()
                continue
            self._note(record, event)
            changes.profiles[event.user_id] = apply_interaction(before, action)
            changes.triggers[event.user_id] = (record, event)
            told += engagements(before, action, source=record.partition, offset=record.offset)
        changes.messages += self._signals.messages(told)
        return changes

    async def _recommend(self, changed: Sequence[_Changes], stages: Stages) -> list[Message]:
        """The refreshed list of each user who did something, as messages."""
        users = [user for each in changed for user in each.triggers]
        if not users:
            return []
        profiles = [profile for each in changed for profile in each.profiles.values()]
        recent = {item for profile in profiles for item in recent_items(profile)}
        behaviours = await self._crowd.behaviours(recent, max_age_s=RECENT_AGE_S)
        now_ms = self._clock_ms()
        tastes = [find_taste(profile, self._catalog, now_ms) for profile in profiles]
        trends = self._trends(now_ms)
        keys = [key_of(user) for user in users]
        candidates = generate_candidates(tastes, profiles, keys, self._catalog, behaviours, trends, now_ms)
        stages.end("candidates")
        rankings = [
            rank(found, taste, self._catalog, length=self._length, now_ms=now_ms)
            for found, taste in zip(candidates, tastes, strict=True)
        ]
        stages.end("rank")
        for found in candidates:
            _count_candidates(found)
        triggers = [trigger for each in changed for trigger in each.triggers.values()]
        return [
            self._message(record, event, ranking, found.filtered, stages, now_ms)
            for (record, event), ranking, found in zip(triggers, rankings, candidates, strict=True)
        ]

    def _trends(self, now_ms: int) -> Trends:
        """The trends as rows, worked out once for each table: thousands of rows, and a second old in any case."""
        table, trends = self._known_trends
        if table is not self._crowd.trends:
            trends = find_trends(self._crowd.trends, self._catalog, now_ms)
            self._known_trends = (self._crowd.trends, trends)
        return trends

    def _message(
        self,
        record: Record,
        event: Interaction,
        ranking: Ranking,
        filtered: dict[str, int],
        stages: Stages,
        now_ms: int,
    ) -> Message:
        recommendations = Recommendations(
            rec_id=f"{record.partition}-{record.offset}",
            user_id=event.user_id,
            seq=record.offset,
            kind="feed",
            generated_at_ms=now_ms,
            trigger=Trigger(
                event_id=event.event_id,
                type=event.type,
                item_id=event.item_id,
                occurred_at_ms=event.occurred_at_ms,
            ),
            items=ranking.items,
            filtered=filtered,
            degraded=self._crowd.degraded,
            model={"encoder": self._catalog.encoder or "none", "ranker": "weighted@1"},
            timings_ms={"queue": float(stages.started_ms - record.timestamp_ms), **stages.milliseconds},
        )
        self._attribution.shown(recommendations.rec_id, ranking.items)
        RECOMMENDATIONS.labels("feed", ",".join(self._crowd.degraded)).inc()
        LIST_DIVERSITY.observe(ranking.diversity)
        if len(ranking.items) < self._length:
            SHORT_LISTS.inc()
        headers = tuple(header for header in record.headers if header[0] == "traceparent")
        return Message(self._prefix + TOPIC.name, record.key, encode(recommendations), headers)

    def _note(self, record: Record, event: Interaction) -> None:
        EVENTS.labels(INTERACTIONS.name, event.type, "applied").inc()
        if clamp_time(event.occurred_at_ms, record.timestamp_ms) != event.occurred_at_ms:
            CLAMPED_TIMES.inc()
        if record.key is not None and self._partition_of(record.key) != record.partition:
            MISROUTED.inc()
        if event.rec_id is not None and event.type == "click":
            self._attribution.clicked(event.rec_id, event.item_id)

    def _count(self, changed: Sequence[_Changes]) -> None:
        now_ms = self._clock_ms()
        for each in changed:
            for record, event in each.triggers.values():
                EVENT_TO_RECOMMENDATION.labels(event.type).observe(max(now_ms - record.timestamp_ms, 0) / 1000)


def _parse(record: Record) -> Interaction | InvalidEvent:
    try:
        return parse_interaction(record)
    except InvalidEvent as error:
        return error


def _users(records: Sequence[Record], events: _Events) -> list[str]:
    found = (events[record.partition, record.offset] for record in records)
    return list(dict.fromkeys(event.user_id for event in found if isinstance(event, Interaction)))


def _action(event: Interaction, record: Record) -> Action:
    return Action(
        event=key_of(event.event_id),
        item=key_of(event.item_id),
        weight=weigh(event.type, rating=event.rating, dwell_ms=event.dwell_ms),
        at_ms=clamp_time(event.occurred_at_ms, record.timestamp_ms),
    )


def _count_candidates(candidates: Candidates) -> None:
    for source, count in candidates.source_counts().items():
        CANDIDATES.labels(source).observe(count)
    for reason, count in candidates.filtered.items():
        FILTERED.labels(reason).inc(count)
