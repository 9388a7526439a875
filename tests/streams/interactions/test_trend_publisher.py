from collections.abc import Sequence

import msgspec

from features.behaviour import Behaviour
from features.item import key_of
from features.ledger import EMPTY
from features.trends import NO_TRENDS, update_trends
from sightline_client.trends import Trends
from streams.interactions.trend_publisher import TrendPublisher
from streams.wire.records import Message
from tests.harness.catalog import NOW, reds_and_blues
from tests.harness.interactions import metric
from tests.harness.lists import catalog_of

SUMS = {"red-0": (900.0, 5.0), "blue-0": (1.0, 50.0)}


class Topic:
    """Keeps what is published; refuses all of it while it is away."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_away = False

    async def publish(self, messages: Sequence[Message]) -> int:
        if self.is_away:
            return len(messages)
        self.messages += messages
        return 0


class World:
    def __init__(self) -> None:
        self.topic = Topic()
        self.is_active = True
        table = update_trends(
            NO_TRENDS, {key_of(name): Behaviour(EMPTY, *each, NOW) for name, each in SUMS.items()}, NOW
        )
        self.publisher = TrendPublisher(
            catalog_of(*reds_and_blues(2)),
            lambda: table,
            self.topic.publish,
            "trends",
            is_active=lambda: self.is_active,
            clock_ms=lambda: NOW,
        )


async def test_each_kind_is_one_record_with_its_name_as_key() -> None:
    world = World()
    await world.publisher.look()
    found = {each.key: msgspec.json.decode(each.value or b"", type=Trends) for each in world.topic.messages}
    assert set(found) == {b"looks", b"categories", b"colours"}
    (rising,) = found[b"categories"].rising
    assert (rising.name, rising.items, found[b"categories"].at_ms) == ("blue", ["blue-0"], NOW)
    assert {(each.topic, each.partition) for each in world.topic.messages} == {("trends", 0)}
    assert metric("sightline_rising", kind="categories") == 1


async def test_only_one_worker_publishes_and_another_has_no_figures() -> None:
    world = World()
    await world.publisher.look()
    world.is_active, world.topic.messages = False, []
    await world.publisher.look()
    assert world.topic.messages == []
    assert metric("sightline_rising", kind="categories") == 0


async def test_a_topic_that_takes_nothing_holds_nothing_up() -> None:
    world = World()
    world.topic.is_away = True
    await world.publisher.look()
    world.topic.is_away = False
    await world.publisher.look()
    assert len(world.topic.messages) == 3
