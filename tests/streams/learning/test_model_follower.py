import pytest
from structlog.testing import capture_logs

from inference.ranking.model import RankerModel, encode_model
from streams.errors import BrokerUnavailable
from streams.kafka.log_reader import Extent
from streams.learning.learner import Learner
from streams.learning.model_follower import AWAY_MS, ModelFollower
from streams.learning.model_log import SILENT_MS, ModelLog, last_version
from streams.learning.model_record import KEY, encode_record
from tests.harness.fakes import NOON, Clock, MemoryLog
from tests.harness.interactions import metric
from tests.streams.learning.test_model_record import changed

TOPIC = "state.models"


def value(version: int, *, at_ms: int = NOON) -> bytes:
    return encode_record(Learner(RankerModel(version)), 0, at_ms)


class World:
    """A topic, and a worker that follows it."""

    def __init__(self) -> None:
        self.log, self.clock = MemoryLog(), Clock()
        self.follower = ModelFollower(ModelLog(self.log, TOPIC), clock_ms=self.clock)

    async def after(self, *values: bytes | None) -> int | None:
        """The version that ranks after these records."""
        for each in values:
            self.log.append(TOPIC, 0, KEY, each)
        await self.follower.look()
        return None if self.follower.model is None else self.follower.model.version


async def test_lists_follow_the_last_version() -> None:
    world = World()

    assert [await world.after(), await world.after(value(1), value(2)), await world.after(value(3))] == [None, 2, 3]
    assert metric("sightline_ranker_version") == 3


async def test_a_version_that_learned_nothing_is_the_hand_weights() -> None:
    assert await World().after(value(0)) is None


async def test_a_tombstone_brings_the_hand_weights_back() -> None:
    assert await World().after(value(4), None) is None


async def test_what_this_release_cannot_rank_with_is_refused_once_in_the_log_and_the_last_good_version_stays() -> None:
    world, before = World(), metric("sightline_models_refused_total")
    with capture_logs() as logs:
        found = await world.after(value(4), changed(version=5, model=b"another"), changed(version=5, model=b"another"))

    assert found == 4
    assert metric("sightline_models_refused_total") - before == 2
    (refusal,) = logs
    assert (refusal["event"], refusal["lists_by"]) == ("ranker_model_refused", "version 4")


async def test_what_is_refused_again_after_a_new_version_is_said_again() -> None:
    world, bad = World(), changed(version=5, model=b"another")
    with capture_logs() as logs:
        await world.after(value(4), bad, value(5), bad, value(5, at_ms=NOON + 1), bad)

    assert [each["lists_by"] for each in logs] == ["version 4", "version 5"]


async def test_a_topic_that_was_created_again_is_read_from_its_begin() -> None:
    world = World()
    await world.after(value(4), value(5))
    world.log.make_anew(TOPIC)

    assert await world.after(value(1, at_ms=NOON + SILENT_MS)) == 1


async def test_an_old_version_that_a_suspended_learner_says_does_not_count() -> None:
    world = World()

    assert [await world.after(value(5)), await world.after(value(4, at_ms=NOON + SILENT_MS - 1))] == [5, 5]
    assert metric("sightline_ranker_heard_timestamp_seconds") == NOON / 1000


async def test_lower_versions_count_once_nobody_says_the_higher_one() -> None:
    world = World()

    assert await world.after(value(5), value(1, at_ms=NOON + SILENT_MS), value(2, at_ms=NOON + SILENT_MS)) == 2


async def test_while_the_topic_is_gone_the_last_version_stays() -> None:
    class Gone(MemoryLog):
        def extent(self, topic: str, partition: int) -> Extent:
            raise BrokerUnavailable.no_topic(topic)

    follower = ModelFollower(ModelLog(Gone(), TOPIC))
    with capture_logs() as logs:
        await follower.start()
        await follower.look()
        await follower.stop()

    assert follower.model is None
    assert [each["event"] for each in logs] == ["ranker_models_unavailable"]


async def test_a_learner_that_is_away_for_an_hour_is_told_once() -> None:
    world = World()
    await world.after(value(4))
    world.clock.now_ms += AWAY_MS + 1
    with capture_logs() as logs:
        assert [await world.after(), await world.after()] == [4, 4]
        assert await world.after(value(4, at_ms=world.clock.now_ms)) == 4

    assert [each["event"] for each in logs] == ["learner_away", "learner_back"]
    assert metric("sightline_ranker_heard_timestamp_seconds") == world.clock.now_ms / 1000


@pytest.mark.parametrize(
    ("values", "version"),
    [
        ([], None),
        ([value(1), value(3)], 3),
        # A learner that was suspended published last.
        ([value(3), value(2)], 3),
        ([value(3), b"damaged"], 3),
        ([value(3), None, value(1)], 1),
        ([value(3), None], None),
        ([value(3), value(1, at_ms=NOON + SILENT_MS)], 1),
    ],
)
def test_a_learner_begins_from_the_version_that_workers_follow(values: list[bytes | None], version: int | None) -> None:
    log = MemoryLog()
    for each in values:
        log.append(TOPIC, 0, KEY, each)
    found = last_version(log, TOPIC)

    assert (found and found.version) == version


def test_of_a_long_topic_only_the_last_records_are_read() -> None:
    log = MemoryLog()
    for number in range(1000):
        log.append(TOPIC, 0, KEY, value(number) if number == 999 else encode_model(RankerModel()))
    found = last_version(log, TOPIC)

    assert found is not None
    assert found.version == 999
