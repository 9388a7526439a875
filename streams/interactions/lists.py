"""Makes, encodes and counts refreshed lists, for all users of a batch together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from features.profile import Profile
from inference.experiment import Arm
from inference.ranking.rules import ListRules
from inference.recommender import Recommended, Recommender
from streams.interactions.attribution import Attribution
from streams.interactions.feeds import FeedMaker
from streams.metrics import CANDIDATES, FILTERED, LIST_DIVERSITY, RECOMMENDATIONS, SHORT_LISTS, StageTimer
from streams.settings import Settings
from streams.wire.cloud_events import trace_headers
from streams.wire.events import ExperimentArm, Interaction, Recommendations, Trigger, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import RECOMMENDATIONS as TOPIC

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
    """Makes the lists that answer events, and encodes them as messages."""

    def __init__(self, feeds: FeedMaker, *, namespace: Namespace) -> None:
        self.feeds = feeds
        self._namespace = namespace
        self._attribution = Attribution()

    async def make(self, due: Sequence[Due], stages: StageTimer) -> list[MadeList]:
        """Make one list for each of these users, all by the same ranker and rules."""
        feeds = await self.feeds.make([(event.user_id, profile) for profile, (_, event) in due], stages)
        return [
            MadeList(*cause, feed.recommended, feed.at_ms, feed.arm)
            for (_, cause), feed in zip(due, feeds, strict=True)
        ]

    def teaches(self, event: Interaction) -> bool:
        """Whether an event is one to learn from: the user's lists are, and the shop did not decide the item's slot.

        What stood there by a rule of the shop does not say what it is worth to the user.
        """
        return self.feeds.teaches(event.user_id) and not self._attribution.was_promoted(event.rec_id, event.item_id)

    def shown(self, rec_id: str | None) -> list[str]:
        """The items of a list that this worker published and remembers, in the order of its slots."""
        return self._attribution.slots(rec_id)

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
            degraded=self.feeds.degraded,
            model=self.feeds.recommender.model_of(made.arm),
            timings_ms={"queue": float(max(stages.started_ms - record.timestamp_ms, 0)), **stages.milliseconds},
            experiment=self._label(made.arm),
        )
        topic = self._namespace.topic(TOPIC)
        return Message(topic, record.key, encode(recommendations), trace_headers(record, event))

    def _label(self, arm: Arm | None) -> ExperimentArm | None:
        experiment = self.feeds.experiment
        return None if experiment is None or arm is None else ExperimentArm(name=experiment.name, arm=arm.name)

    def count(self, made: Sequence[MadeList]) -> None:
        """Count published lists."""
        arms = {each.rec_id: each.arm.name for each in made if each.arm is not None}
        self._attribution.published({each.rec_id: each.recommended.ranking.items for each in made}, arms)
        RECOMMENDATIONS.labels("feed", ",".join(self.feeds.degraded)).inc(len(made))
        SHORT_LISTS.inc(sum(len(each.recommended.ranking.items) < self.feeds.recommender.length for each in made))
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
