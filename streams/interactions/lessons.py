"""Makes lessons of what users did after their lists, in the time that lists leave (docs/adr/0027)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import sample
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.item import key_of
from features.profile import Action, Profile
from inference.ranking.lessons import Lesson, encode_lesson, lesson_from
from streams.interactions.allowance import Allowance
from streams.interactions.lists import ListMaker
from streams.interactions.reducer import Effect
from streams.learning.lesson_weights import lesson_weight
from streams.learning.unseen import before_impressions, is_touched
from streams.logs import Seldom, log
from streams.metrics import LESSON_SECONDS, LESSONS
from streams.processing.background import end, failure_of
from streams.wire.events import Interaction
from streams.wire.records import Message

#: The share of the time of a worker, and lessons a second: 20 take up to 9 GB a day on state.examples.
SHARE: Final = 0.05
PER_S: Final = 20.0
#: Users studied together: about a millisecond, so that an event which comes meanwhile hardly waits.
TOGETHER: Final = 4
#: What users did longer ago teaches nothing: what others learned of it by then would be among the signals.
LATEST_S: Final = 0.05
#: Lessons that are remembered, for a later action on the same item; one takes about 5 KB.
REMEMBERED: Final = 4096
#: The wait after Kafka refused a lesson.
REFUSED_WAIT_S: Final = 10.0

#: Sends messages that may be lost, and returns how many were refused.
Publish = Callable[[Sequence[Message]], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Due:
    """An event that may become a lesson: its user's profile before it, and what it weighs."""

    before: Profile
    event: Interaction
    action: Action
    partition: int
    weight: float
    at_s: float

    @property
    def place(self) -> tuple[int, int]:
        """The keys of user and item."""
        return key_of(self.event.user_id), self.action.item


class LessonMaker:
    """Turns a sample of the applied events into lessons, in the background and between batches.

    A lesson is what the recommender knew of the candidates just before the event, as if the user had not yet seen the
    list that the event names. What a user does later with the same item is the same lesson with another weight: by
    then the user's own choice is among the signals.
    """

    def __init__(
        self,
        lists: ListMaker,
        publish: Publish,
        topic: str,
        weights: Mapping[str, float],
        *,
        clock_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._lists = lists
        self._publish = publish
        self._topic = topic
        self._weights = weights
        self._clock_s = clock_s
        self._seconds = Allowance(SHARE, most=SHARE, clock_s=clock_s, observe=LESSON_SECONDS.inc)
        self._count = Allowance(PER_S, most=PER_S, clock_s=clock_s)
        self._due: list[Due] = []
        self._made: OrderedDict[tuple[int, int], Lesson] = OrderedDict()
        #: Who was forgotten since the lessons in hand were begun.
        self._forgotten: set[int] = set()
        self._has_due, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._seldom = Seldom(600.0)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to make lessons in the background."""
        self._task = asyncio.create_task(self._run(), name="lessons")

    async def stop(self) -> None:
        """Stop; what was not made is lost."""
        await end(self._task)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the background task; None while it runs."""
        return failure_of(self._task)

    def pause(self) -> None:
        """Make no lesson until the next `offer`: a batch is in hand."""
        self._idle.clear()

    def offer(self, effects: Sequence[Effect]) -> None:
        """Take in a sample of what a batch did, once its lists are sent. It waits for nothing.

        What is left of the batch before, for which there was no time, is dropped.
        """
        self._idle.set()
        now_s, offered = self._clock_s(), list[Due]()
        for effect in effects:
            match effect:
                case Effect(event=Interaction() as event, outcome="applied", action=Action() as action):
                    if (weight := self._weigh(event)) and self._lists.teaches(event):
                        offered.append(Due(effect.before, event, action, effect.record.partition, weight, now_s))
                case Effect(withdraws_list=True):
                    offered = [each for each in offered if each.event.user_id != effect.user_id]
                    self.forget(key_of(effect.user_id))
        if offered:
            chosen = sample(offered, min(TOGETHER, len(offered)))
            LESSONS.labels("left_out").inc(len(self._due) + len(offered) - len(chosen))
            self._due = chosen
            self._has_due.set()

    def _weigh(self, event: Interaction) -> float:
        return lesson_weight(
            self._weights, event.type, rating=event.rating, dwell_ms=event.dwell_ms, duration_ms=event.duration_ms
        )

    def forget(self, user: int) -> None:
        """Drop what is remembered of a user, by key, and what is being made."""
        self._due = [each for each in self._due if each.place[0] != user]
        self._forgotten.add(user)
        self._made = OrderedDict((place, lesson) for place, lesson in self._made.items() if place[0] != user)

    async def _run(self) -> None:
        while True:
            await self._has_due.wait()
            while not self._idle.is_set():  # a batch may begin between its end and this task's turn
                await self._idle.wait()
            if not await self.make_some():
                await asyncio.sleep(REFUSED_WAIT_S)

    async def make_some(self) -> bool:
        """Make lessons of the sample of the last batch; returns whether Kafka took them."""
        due = self._take()
        lessons = await self._make(due)
        self._count.use(len(lessons))
        LESSONS.labels("not_proposed").inc(len(due) - len(lessons))
        return not lessons or await self._send(lessons)

    def _take(self) -> list[Due]:
        """Of the last batch what there is time for."""
        self._has_due.clear()
        due, self._due = self._due, []
        allowed = max(int(self._count.left()), 0) if self._seconds.left() > 0 else 0
        since_s = self._clock_s() - LATEST_S
        taken = [each for each in due if each.at_s >= since_s][:allowed]
        LESSONS.labels("left_out").inc(len(due) - len(taken))
        return taken

    async def _make(self, due: Sequence[Due]) -> list[tuple[Due, Lesson]]:
        """The lessons of some events. There is none where the item was no candidate."""
        self._forgotten.clear()
        new = [each for each in due if each.place not in self._made and not is_touched(each.before, each.action.item)]
        if new:
            shown = [self._lists.shown(each.event.rec_id) for each in new]
            befores = [
                before_impressions(each.before, [each.action.item, *map(key_of, items)])
                for each, items in zip(new, shown, strict=True)
            ]
            subjects = [(each.place[0], each.event.item_id) for each in new]
            studied = await self._lists.feeds.study(befores, subjects, self._seconds)
            with self._seconds.timed():
                for each, items, found in zip(new, shown, studied, strict=True):
                    if found is not None and each.place[0] not in self._forgotten:
                        self._remember(each, items, *found)
        made = ((each, self._made.get(each.place)) for each in due)
        return [
            (each, replace(lesson, at_ms=each.action.at_ms, weight=each.weight))
            for each, lesson in made
            if lesson is not None
        ]

    def _remember(self, due: Due, shown: Sequence[str], features: NDArray[np.float32], chosen: int) -> None:
        user, action, item_id = due.place[0], due.action, due.event.item_id
        slot = shown.index(item_id) if item_id in shown else -1
        self._made[due.place] = lesson_from(
            features, chosen, user=user, at_ms=action.at_ms, weight=due.weight, slot=slot, seed=action.event
        )
        if len(self._made) > REMEMBERED:
            self._made.popitem(last=False)

    async def _send(self, lessons: Sequence[tuple[Due, Lesson]]) -> bool:
        """Publish the lessons; returns whether all were taken."""
        with self._seconds.timed():
            messages = [
                Message(self._topic, str(due.partition).encode(), encode_lesson(lesson), partition=0)
                for due, lesson in lessons
            ]
        refused = await self._publish(messages)
        LESSONS.labels("made").inc(len(messages) - refused)
        LESSONS.labels("unpublished").inc(refused)
        if refused and self._seldom.left_out("refused") is not None:
            log.warning("lessons_unpublished", topic=self._topic, remedy="see `sightline topics check`; lists go on")
        return not refused
