from structlog.testing import capture_logs

from inference.ranking.lessons import Lesson, encode_lesson
from inference.ranking.model import RankerModel, encode_model
from streams.learning.agent import ALIVE_EVERY_MS, VERSION_EVERY_MS, LearningAgent, Mode, warm_up_learning
from streams.learning.learner import Learner
from streams.learning.model_log import ModelLog
from streams.learning.model_record import KEY, ModelRecord, decode_record, encode_record
from streams.wire.records import Record
from tests.harness.fakes import Clock, FakePublisher, MemoryLog
from tests.harness.interactions import metric
from tests.streams.learning.test_learner import lessons
from tests.streams.learning.test_model_record import changed

EXAMPLES, MODELS = "state.examples", "state.models"


class World:
    """state.models with what was published to it, and learners of one group, of which one has the lessons."""

    def __init__(self) -> None:
        self.log, self.clock = MemoryLog(), Clock()

    def agent(self, *, mode: Mode = "on", is_active: bool = True) -> "tuple[LearningAgent, FakePublisher]":
        publisher = FakePublisher()
        agent = LearningAgent(
            publisher, ModelLog(self.log, MODELS), mode=mode, is_active=lambda: is_active, clock_ms=self.clock
        )
        return agent, publisher

    def said(self, publisher: FakePublisher) -> list[ModelRecord]:
        """What was published since the last call; it is in the topic from then on."""
        found = [decode_record(message.value or b"") for message in publisher.to(MODELS)]
        self.log.publish(publisher.messages, 1)
        publisher.messages.clear()
        return found


def records(found: list[Lesson], first: int = 0) -> list[Record]:
    return [
        Record(EXAMPLES, 0, offset, lesson.at_ms, b"0", encode_lesson(lesson))
        for offset, lesson in enumerate(found, first)
    ]


async def test_a_learner_says_new_versions_and_where_it_is() -> None:
    world = World()
    agent, publisher = world.agent()
    warm_up_learning()

    assert await agent.take_up([0]) == {0: -1}
    await agent.publish_if_due()
    await agent.handle(records(list(lessons(1200))))
    world.clock.now_ms += VERSION_EVERY_MS
    await agent.publish_if_due()

    first, second = world.said(publisher)
    assert (first.version, first.position) == (0, -1)
    assert second.version > 0
    assert second.position == 1199
    assert metric("sightline_ranker_loss", model="good") == second.losses.good
    assert 0 <= metric("sightline_ranker_calibration_error") <= 1


async def test_another_goes_on_where_the_first_one_was() -> None:
    world, told = World(), list(lessons(1400))
    agent, publisher = world.agent()
    await agent.take_up([0])
    await agent.handle(records(told[:1200]))
    await agent.publish_if_due()
    (last,) = world.said(publisher)

    # What the first one learned after its last word is learned again.
    await agent.handle(records(told[1200:1300], 1200))
    successor, publisher = world.agent()
    assert await successor.take_up([0]) == {0: 1199}
    await successor.handle(records(told[1200:], 1200))
    await successor.publish_if_due()

    alone = Learner()
    for lesson in told:
        alone.learn(lesson)
    (record,) = world.said(publisher)
    assert record.version >= last.version
    assert encode_model(record.ranker()) == encode_model(alone.model())


async def test_without_news_it_says_every_ten_seconds_that_it_lives() -> None:
    world = World()
    agent, publisher = world.agent()
    await agent.take_up([0])
    for _ in range(3):
        await agent.publish_if_due()
        world.clock.now_ms += ALIVE_EVERY_MS // 2

    assert [each.made_ms for each in world.said(publisher)] == [
        world.clock.now_ms - 3 * ALIVE_EVERY_MS // 2,
        world.clock.now_ms - ALIVE_EVERY_MS // 2,
    ]


async def test_a_second_learner_waits_and_says_nothing() -> None:
    world = World()
    agent, publisher = world.agent(is_active=False)

    assert await agent.take_up([]) == {}
    await agent.handle(records(list(lessons(20))))
    await agent.publish_if_due()
    assert publisher.messages == []


async def test_one_that_lost_the_lessons_says_nothing_more() -> None:
    world = World()
    agent, publisher = world.agent(is_active=False)
    await agent.take_up([0])
    await agent.publish_if_due()

    assert publisher.messages == []


async def test_a_model_of_another_release_is_followed_by_the_hand_weights_under_a_higher_number() -> None:
    world = World()
    world.log.append(MODELS, 0, KEY, changed(model=b"another release"))
    agent, publisher = world.agent()
    with capture_logs() as logs:
        position = await agent.take_up([0])
    await agent.publish_if_due()

    old = decode_record(changed(model=b"another release"))
    (record,) = world.said(publisher)
    assert position == {0: old.position}
    assert record.version == old.version + 1
    assert (record.ranker().net == RankerModel().net).all()
    assert "begin with the hand weights" in logs[0]["reason"]


async def test_a_lesson_that_cannot_be_read_is_counted_and_the_next_is_learned() -> None:
    agent, _ = World().agent()
    await agent.take_up([0])
    refused, learned = (metric("sightline_lessons_total", outcome=name) for name in ("refused", "learned"))
    good = records(list(lessons(1)), first=2)
    await agent.handle([Record(EXAMPLES, 0, 0, 0, None, b"junk"), Record(EXAMPLES, 0, 1, 0, None, None), *good])

    assert metric("sightline_lessons_total", outcome="refused") - refused == 2
    assert metric("sightline_lessons_total", outcome="learned") - learned == 1


async def test_a_frozen_learner_judges_and_keeps_the_version() -> None:
    world = World()
    world.log.append(MODELS, 0, KEY, encode_record(Learner(RankerModel(7)), 10, 0))
    agent, publisher = world.agent(mode="frozen")
    await agent.take_up([0])
    await agent.handle(records(list(lessons(1200)), 11))
    await agent.publish_if_due()

    (record,) = world.said(publisher)
    assert (record.version, record.position) == (7, 1210)
    assert record.losses.count > 0


async def test_a_learner_that_is_off_says_nothing() -> None:
    agent, publisher = World().agent(mode="off")
    assert await agent.take_up([0]) == {}
    await agent.handle(records(list(lessons(20))))
    await agent.publish_if_due()

    assert publisher.messages == []
