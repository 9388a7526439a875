"""Consumes users' interactions and publishes refreshed recommendations."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache

from features.item import key_of
from features.profile import Action
from state.profiles import ProfileStore
from streams.errors import InvalidEvent
from streams.interactions.effect_counts import EffectCounts
from streams.interactions.lessons import LessonMaker
from streams.interactions.lists import ListMaker, MadeList
from streams.interactions.reducer import Effect, Parsed, lists_due, parse, reduce_all
from streams.interactions.store_loop import Admitted, Pending, StoreLoop
from streams.kafka.publisher import Publisher
from streams.metrics import EVENT_TO_RECOMMENDATION, FORGET, StageTimer
from streams.privacy.control_records import UNSIGNED, ControlRecords, VerifiedRequest
from streams.privacy.receipts import Receipts
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import set_aside
from streams.processing.positions import Positions
from streams.processing.refusals import count_refused
from streams.wire.events import Interaction
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record, events_of
from streams.wire.signals import SignalTopic
from streams.wire.steps import StepTopic

_latency_histogram = cache(EVENT_TO_RECOMMENDATION.labels)


class InteractionsAgent:
    """Applies micro-batches of events.interactions: publish, then commit. A crash repeats output, never state.

    Lists are sent at once; signals, dead letters and the commit follow a moment later (`StoreLoop`). Lists are sent by
    `lists_out`, the rest by `signals_out`: Kafka answers the requests of one connection one at a time, and lists should
    not queue behind signals.
    """

    def __init__(
        self,
        profiles: ProfileStore,
        positions: Positions,
        lists: ListMaker,
        receipts: Receipts,
        lists_out: Publisher,
        signals_out: Publisher,
        signals: SignalTopic,
        steps: StepTopic,
        breaker: Breaker,
        control_records: ControlRecords = UNSIGNED,
        lessons: LessonMaker | None = None,
        *,
        namespace: Namespace,
        partitions: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.store_loop = StoreLoop(profiles, positions, self._publish_before_commit)
        self._lists_out = lists_out
        self._signals_out = signals_out
        self._signals = signals
        self._steps = steps
        self._breaker = breaker
        self._namespace = namespace
        self._clock_ms = clock_ms
        self._control_records = control_records
        self._receipts = receipts
        self._lists = lists
        self._lessons = lessons
        self._counts = EffectCounts(partitions, lists.feedback)

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch. On return its lists are being sent, or its partitions will be fetched again."""
        await self.store_loop.room()
        if self._lessons is not None:
            self._lessons.pause()
        stages = StageTimer()
        events = {
            (record.partition, record.offset): parse(record, self._control_records) for record in events_of(records)
        }
        # Start to read behaviours now, while the profiles load.
        self._lists.feeds.prefetch(
            {key_of(event.item_id) for event in events.values() if isinstance(event, Interaction)}
        )
        admitted = await self.store_loop.admit(records, _users(records, events))
        stages.end("load")
        parsed = [
            [(record, events[record.partition, record.offset]) for record in events_of(each.records)]
            for each in admitted
        ]
        await self._breaker.check(*count_refused(event for each in parsed for _, event in each))
        effects = [
            (each, list(reduce_all(events_of_partition, each.cache.profiles)))
            for each, events_of_partition in zip(admitted, parsed, strict=True)
        ]
        made = await self._lists.make([due for _, applied in effects for due in lists_due(applied)], stages)
        self._hand_over(effects, made, stages)

    def _hand_over(
        self, effects: Sequence[tuple[Admitted, Sequence[Effect]]], made: Sequence[MadeList], stages: StageTimer
    ) -> None:
        """Send the lists, and hand the other messages and the commit to the store loop.

        This method awaits nothing: a commit includes a whole batch or none of it, and the lists are sent before it.
        """
        flat = [effect for _, each in effects for effect in each]
        withdrawals = [self._receipts.withdrawal(effect.record) for effect in flat if effect.withdraws_list]
        sent = self._lists_out.publish([*withdrawals, *(self._lists.message(each, stages) for each in made)])
        messages: list[Message] = []
        for effect in flat:
            messages += self._messages(effect)
            self._remember_upload(effect)
        self.store_loop.add(effects, messages, asyncio.create_task(self._acknowledged(sent, made, stages)))
        for effect in flat:
            self._counts.observe(effect)
        if self._lessons is not None:
            self._lessons.offer(flat)

    def _messages(self, effect: Effect) -> list[Message]:
        """Return the messages to publish before an effect is committed, apart from its choice."""
        match effect:
            case Effect(event=InvalidEvent() as error):
                return set_aside(effect.record, error, namespace=self._namespace)
            case Effect(event=VerifiedRequest() as request, outcome="applied"):
                return self._receipts.messages(request, effect.record, effect.before, effect.after)
            case Effect(event=Interaction(type="upload") as event, outcome="late", action=Action(at_ms=at_ms)):
                return [self._receipts.disown(event.user_id, event.item_id, at_ms)]
        return []

    def _remember_upload(self, effect: Effect) -> None:
        match effect:
            case Effect(event=Interaction(type="upload") as event, outcome="applied" | "opted_out"):
                self._receipts.uploaded(event)

    async def _publish_before_commit(self, pending: Pending) -> None:
        choices = [each for effect in pending.effects for each in effect.choices(self._signals.linking)]
        steps = self._steps.messages(step for effect in pending.effects for step in effect.steps())
        await self._signals_out.publish([*pending.messages, *self._signals.messages(choices), *steps])
        for effect in pending.effects:
            if isinstance(effect.event, VerifiedRequest) and effect.event.control.type == "forget":
                FORGET.observe(max(self._clock_ms() - effect.event.control.asked_ms, 0) / 1000)

    async def _acknowledged(self, sent: Awaitable[None], made: Sequence[MadeList], stages: StageTimer) -> None:
        """Count the lists and wait for the broker. Counting runs after sending, so it does not delay a list."""
        self._lists.count(made)
        await sent
        stages.end("publish")
        now_ms = self._clock_ms()
        for each in made:
            _latency_histogram(each.event.type).observe(max(now_ms - each.record.timestamp_ms, 0) / 1000)


def _users(records: Sequence[Record], events: Mapping[tuple[int, int], Parsed]) -> dict[int, list[str]]:
    """Return the users of each partition. A partition with only invalid events, or none, has no users."""
    users: dict[int, dict[str, None]] = {record.partition: {} for record in records}
    for (partition, _), event in events.items():
        if not isinstance(event, InvalidEvent):
            users[partition][event.user_id] = None
    return {partition: list(partition_users) for partition, partition_users in users.items()}
