"""Lessons of a small world (`tests.harness.interactions`): the lists, then what users do."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from features.item import key_of
from inference.experiment import Arm, Experiment
from inference.ranking.features import FEATURES
from inference.ranking.lessons import Lesson, decode_lesson
from streams.interactions import lessons as rules
from streams.interactions.lessons import LessonMaker
from streams.settings_checks import parse_lesson_weights
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from tests.harness.fakes import NOON, until
from tests.harness.interactions import Hub, click, metric, record
from tests.harness.shop_rules import rule, shop_rules

WEIGHTS = parse_lesson_weights("")


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class School:
    """A hub that makes lessons after each batch; `at` is the time of the bound on its work."""

    def __init__(self, experiment: Experiment | None = None) -> None:
        self.clock, self.sent, self.refused = Seconds(), list[Message](), 0
        self.hub = Hub(experiment=experiment)
        lists = self.hub.lists()
        self.maker = LessonMaker(lists, self._publish, "state.examples", WEIGHTS, clock_s=self.clock)
        self.hub.use(self.hub.agent(lists, self.maker))

    async def _publish(self, messages: Sequence[Message]) -> int:
        self.sent += messages
        return self.refused

    async def after(self, *batch: Record) -> list[Lesson]:
        """The lessons of a batch, a second after the one before."""
        self.clock.now += 1.0
        self.sent.clear()
        await self.hub.handle(batch)
        await self.maker.make_some()
        return [decode_lesson(message.value or b"") for message in self.sent]

    def last_list(self) -> list[str]:
        return [slot.item_id for slot in self.hub.publisher.lists()[-1].items]


def did(kind: str, thing: str, offset: int, **changes: object) -> Record:
    return record(offset, {**click(thing=thing, event=f"e{offset}"), "type": kind, **changes})


async def test_a_choice_teaches_which_of_the_candidates_before_it_was_chosen() -> None:
    school = School()
    await school.after(did("click", "red0", 0))
    (lesson,) = await school.after(did("click", "red3", 1))

    assert (lesson.user, lesson.at_ms, lesson.weight, lesson.slot) == (key_of("u1"), NOON, 1.0, -1)
    # Of 16 items the user had seen one; the chosen one looks like it, the blue ones do not.
    assert len(lesson.features) == 15
    looks = lesson.features[:, FEATURES.index("looks_like")]
    assert looks[lesson.chosen] > 0.5 > looks.min()
    (message,) = school.sent
    assert (message.topic, message.key, message.partition) == ("state.examples", b"0", 0)


async def test_a_choice_from_a_list_says_in_which_slot_it_was() -> None:
    school = School()
    await school.after(did("click", "red0", 0))
    chosen = school.last_list()[2]
    (lesson,) = await school.after(did("click", chosen, 1, rec_id="0-0"))

    assert lesson.slot == 2


async def test_what_was_scrolled_past_is_among_the_others_of_the_lesson() -> None:
    school = School()
    await school.after(did("click", "red0", 0))
    shown = school.last_list()
    seen = [did("view", item, offset, rec_id="0-0") for offset, item in enumerate(shown, 1)]
    assert await school.after(*seen) == []
    (lesson,) = await school.after(did("click", shown[1], len(seen) + 1, rec_id="0-0"))

    assert (len(lesson.features), lesson.slot) == (15, 1)


async def test_a_later_action_on_the_item_is_the_same_lesson_with_its_own_weight() -> None:
    school = School()
    await school.after(did("click", "red0", 0))
    (first,) = await school.after(did("click", "red3", 1))
    (bought,) = await school.after(did("purchase", "red3", 2))
    (refused,) = await school.after(did("hide", "red3", 3))

    assert [each.weight for each in (first, bought, refused)] == [1.0, 3.0, -3.0]
    assert first.features.tobytes() == bought.features.tobytes() == refused.features.tobytes()
    assert first.chosen == bought.chosen == refused.chosen


async def test_what_was_no_candidate_teaches_nothing() -> None:
    school, before = School(), metric("sightline_lessons_total", outcome="not_proposed")

    assert await school.after(did("click", "unknown", 0)) == []
    assert metric("sightline_lessons_total", outcome="not_proposed") - before == 1


async def test_who_objects_and_what_was_sent_twice_teach_nothing() -> None:
    school = School()
    (lesson,) = await school.after(did("click", "red3", 0))
    assert await school.after(record(1, click(thing="red3", event="e0"))) == []
    assert lesson.weight == 1.0


async def test_a_few_users_of_a_batch_are_studied_together_and_the_others_are_left_out() -> None:
    school, before = School(), metric("sightline_lessons_total", outcome="left_out")
    batch = [record(n, click(f"u{n}", f"red{n % 4}")) for n in range(8)]
    found = await school.after(*batch)

    assert len({each.user for each in found}) == rules.TOGETHER
    assert {each.user for each in found} < {key_of(f"u{n}") for n in range(8)}
    assert metric("sightline_lessons_total", outcome="left_out") - before == 8 - rules.TOGETHER


async def test_events_that_waited_too_long_are_left_out() -> None:
    school = School()
    await school.hub.handle([did("click", "red3", 0)])
    school.clock.now += 2 * rules.LATEST_S
    await school.maker.make_some()

    assert school.sent == []


async def test_a_batch_for_which_there_was_no_time_makes_room_for_the_next() -> None:
    school, before = School(), metric("sightline_lessons_total", outcome="left_out")
    for offset in range(3):
        await school.hub.handle([record(offset, click(f"u{offset}", "red3"))])
    await school.maker.make_some()

    assert [decode_lesson(each.value or b"").user for each in school.sent] == [key_of("u2")]
    assert metric("sightline_lessons_total", outcome="left_out") - before == 2


async def test_lessons_take_no_more_than_their_share_of_the_time() -> None:
    school = School()
    begun, given = school.clock.now, 0
    study = school.hub.catalog.advance

    def slow(now_ms: int) -> None:
        study(now_ms)
        school.clock.now += 0.01  # a list costs this much, and so does a lesson

    school.hub.catalog.advance = slow  # type: ignore[method-assign]  # time passes while it works
    for offset in range(200):
        school.clock.now += 0.04
        school.sent.clear()
        await school.hub.handle([record(offset, click(f"u{offset}", f"red{offset % 8}"))])
        await school.maker.make_some()
        given += len(school.sent)

    assert 0 < given * 0.01 <= rules.SHARE * (school.clock.now - begun) + rules.SHARE


async def test_a_forgotten_user_is_forgotten_here_too() -> None:
    school = School()
    await school.after(did("click", "red3", 0))
    school.maker.forget(key_of("u1"))

    assert await school.after(did("purchase", "red3", 1)) == []


async def test_lessons_are_made_in_the_background_once_the_batch_is_done() -> None:
    school = School()
    await school.maker.start()
    school.maker.pause()
    await school.hub.handle([did("click", "red3", 0)])
    await until(lambda: len(school.sent) == 1)
    await school.maker.stop()

    assert school.maker.failure is None


async def test_refused_lessons_are_counted_and_nothing_else_happens() -> None:
    school, before = School(), metric("sightline_lessons_total", outcome="unpublished")
    school.refused = 1
    await school.after(did("click", "red3", 0))

    assert metric("sightline_lessons_total", outcome="unpublished") - before == 1


async def test_users_with_another_ranker_or_fewer_sources_teach_nothing() -> None:
    looksless = Arm("looksless", 1.0, without=frozenset({"visual"}))
    arms = {Arm("one", 1.0): True, Arm("two", 1.0, "popular"): False, looksless: False}
    for arm, teaches in arms.items():
        school = School(Experiment("e", (arm,)))
        await school.after(did("click", "red0", 0))
        assert bool(await school.after(did("click", "red3", 1))) is teaches


async def test_a_user_who_is_forgotten_in_the_same_batch_teaches_nothing() -> None:
    school = School()
    await school.after(did("click", "red0", 0))
    wanted = {"event_id": "p", "type": "forget", "user_id": "u1", "occurred_at_ms": NOON}
    place = did("click", "red5", 2)
    forget = school.hub.control_records.message(msgspec.convert(wanted, PrivacyRequest), place, namespace=Namespace())
    asked = replace(place, value=forget.value, headers=forget.headers)
    assert await school.after(did("click", "red3", 1), asked) == []


async def test_what_the_shop_put_into_a_list_teaches_nothing_and_what_stands_beside_it_does() -> None:
    school = School()
    school.hub.shop_rules = shop_rules(rule("promote", slots=[2], items=["blue3"]))
    await school.after(did("click", "red0", 0))
    shown = school.last_list()

    assert shown[1] == "blue3"
    assert await school.after(did("click", "blue3", 1, rec_id="0-0")) == []
    (lesson,) = await school.after(did("click", shown[2], 2, rec_id="0-0"))
    assert lesson.slot == 2


async def test_lessons_are_about_lists_without_promotions() -> None:
    school = School()
    (plain,) = await school.after(did("click", "red3", 0))
    promoting = School()
    promoting.hub.shop_rules = shop_rules(
        rule("promote", "p", slots=[1], items=["blue3"]), rule("boost", "b", weight=1, items=["blue1"])
    )
    (lesson,) = await promoting.after(did("click", "red3", 0))

    assert lesson.features.tobytes() == plain.features.tobytes()
