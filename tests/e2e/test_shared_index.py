"""The whole path with the index in Redis: found, limited, sold out, deleted, and indexed again when Redis lost it."""

import time
import uuid
from collections.abc import Iterator

import pytest
from redis import Redis

from cli.items.search.similar import ask
from deploy.workers import Workers
from streams.client import EventPublisher, RecommendationSubscriber
from streams.kafka.admin import create_topics
from streams.wire.events import Interaction, ItemChange, Only, Recommendations, Upload
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack
from tests.e2e.conftest import DEADLINE_S, System, eventually, jpeg

pytestmark = pytest.mark.stack
#: Of the items: of pictures that are nearly the same only one is found.
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))


@pytest.fixture(scope="module")
def shop(stack: RunningStack) -> Iterator[System]:
    """Workers that share an index of two shards, and three pictures."""
    topic_prefix = f"t{uuid.uuid4().hex[:10]}."
    changes = {"topic_prefix": topic_prefix, "partitions": 4, "index": "redis", "index_shards": 2}
    settings = stack.settings.model_copy(update=changes)
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), settings.partitions, 1)
    workers = Workers(settings, stack.endpoints)
    with workers.borrowed(("interactions", "uploads", "items")):
        system = System(settings, stack, workers)
        with publisher(system) as publish:
            for n, (category, price) in enumerate([("shirts", 20.0), ("shirts", 80.0), ("hats", 20.0)]):
                publish.publish(upload(f"item{n}", category, price))
        eventually(lambda: found(system) == {"item0", "item1", "item2"}, "all pictures are found")
        yield system


def test_an_index_that_workers_share_serves_lists_and_pictures(shop: System) -> None:
    assert found(shop, Only(category="shirts", max_price=50.0)) == {"item0"}

    with publisher(shop) as publish, feed(shop) as subscriber:
        clicks = iter(range(1000))

        def shows_what_looks_alike() -> bool:
            event_id = f"click-{next(clicks)}"
            publish.publish(click(event_id))
            lists = answer(subscriber, event_id)
            assert lists.degraded == []
            return "looks_like" in {reason.code for item in lists.items for reason in item.reasons}

        eventually(shows_what_looks_alike, "a list has what looks like the item that was clicked")
        publish.publish(change("item0", in_stock=False))
        publish.publish(change("item1", price=10.0))
        publish.publish(change("item2", deleted=True))

    eventually(lambda: found(shop, Only(max_price=50.0)) == {"item1"}, "what was sold out or deleted is found no more")


def test_an_index_that_redis_lost_is_filled_again(shop: System) -> None:
    before = found(shop)
    assert before
    with Redis.from_url(shop.stack.endpoints.redis) as redis:
        keys = list(redis.scan_iter(match=f"sightline:{shop.settings.topic_prefix}:{{index/*"))
        assert keys
        redis.delete(*keys)

    eventually(lambda: found(shop) == before, "all pictures are found again")


def found(system: System, only: Only | None = None) -> set[str]:
    """What is found for a red picture."""
    asker = f"asker-{uuid.uuid4().hex}"
    query = Upload(
        event_id=asker,
        occurred_at_ms=1,
        item_id=asker,
        user_id=asker,
        image=jpeg(COLOURS[0]),
        purpose="query",
        only=only,
    )
    answered = ask(system.kafka, system.settings.topic_prefix, query, DEADLINE_S)
    return {item.item_id for item in answered.items}


def publisher(system: System) -> EventPublisher:
    return EventPublisher(system.kafka, prefix=system.settings.topic_prefix)


def feed(system: System) -> RecommendationSubscriber:
    return RecommendationSubscriber(system.kafka, prefix=system.settings.topic_prefix, user_id="u1")


def answer(subscriber: RecommendationSubscriber, event_id: str) -> Recommendations:
    """The list that a click led to."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        for lists in subscriber.poll(1.0):
            if lists.trigger.event_id == event_id:
                return lists
    pytest.fail(f"no list for {event_id}")


def upload(item_id: str, category: str, price: float) -> Upload:
    return Upload(
        event_id=f"up-{item_id}",
        item_id=item_id,
        user_id="seller",
        occurred_at_ms=now_ms(),
        image=jpeg(COLOURS[int(item_id[-1])]),
        category=category,
        price=price,
    )


def change(item_id: str, **fields: object) -> ItemChange:
    return ItemChange(event_id=f"change-{item_id}", item_id=item_id, occurred_at_ms=now_ms(), **fields)  # type: ignore[arg-type]  # a test's own fields


def click(event_id: str) -> Interaction:
    return Interaction(event_id=event_id, type="click", user_id="u1", item_id="item0", occurred_at_ms=now_ms())


def now_ms() -> int:
    return int(time.time() * 1000)
