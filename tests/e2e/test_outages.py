"""What users see while the encoder is away, and of bad input; that nothing is lost is shown by test_faults.py."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.local import Stack
from deploy.workers import Workers
from streams.client import EventPublisher, RecommendationSubscriber
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire.events import Interaction, Recommendations, Upload
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack
from tests.e2e.conftest import System, eventually, jpeg

pytestmark = pytest.mark.stack


@pytest.fixture
def fragile(tmp_path: Path, stack: RunningStack) -> Iterator[System]:
    """A system whose Redis and Triton are its own, on the shared Kafka."""
    settings = Settings(home=tmp_path, tools=stack.settings.tools, kafka=stack.endpoints.kafka, redis=None, triton=None)
    settings = settings.model_copy(update={"topic_prefix": f"t{uuid.uuid4().hex[:10]}.", "partitions": 2})
    own = Stack(settings)
    try:
        endpoints = own.up()
        create_topics(endpoints.kafka, Namespace(settings.topic_prefix), settings.partitions, 1)
        workers = Workers(settings, endpoints)
        with workers.borrowed():
            yield System(settings, RunningStack(own, endpoints, settings), workers)
    finally:
        own.down()


def test_while_triton_is_away_clicks_go_on_lists_say_degraded_and_uploads_wait(fragile: System) -> None:
    with feed(fragile) as subscriber, publisher(fragile) as publish:
        publish.publish(upload("red", (200, 30, 30)))
        eventually(lambda: len(fragile.read("state.catalog")) == 1, "the first picture is in the catalogue")
        fragile.stack.stack.kill("triton")
        publish.publish(upload("blue", (30, 30, 200)))
        publish.flush()
        clicks = iter(range(1000))

        def click_is_answered_degraded() -> bool:
            number = next(clicks)
            publish.publish(click(f"while-away-{number}", "u1", "red"))
            return "encoder" in answer(subscriber, f"while-away-{number}").degraded

        eventually(click_is_answered_degraded, "a list says that the encoder is away")
        assert len(fragile.read("state.catalog")) == 1
        fragile.stack.stack.start("triton")
        eventually(lambda: len(fragile.read("state.catalog")) == 2, "the picture that waited is in the catalogue")
        assert fragile.read("dead-letters") == []


def test_bad_input_of_every_topic_is_a_dead_letter_and_the_good_next_to_it_is_served(system: System) -> None:
    system.start("interactions", "uploads", "items")
    bad: dict[str, list[tuple[bytes | None, bytes | None]]] = {
        "events.interactions": [
            (b"u1", b"{not json"),
            (b"u1", b"\xff\xfe"),
            (b"u1", b'{"event_id":"e","type":"dance","user_id":"u1","item_id":"a","occurred_at_ms":1}'),
            (b"u1", b'{"event_id":"e","type":"click","user_id":"u1","occurred_at_ms":1}'),
            (b"u1", b'{"event_id":"","type":"click","user_id":"u1","item_id":"a","occurred_at_ms":1}'),
            (None, b'{"event_id":"e","type":"click","user_id":"u1","item_id":"a","occurred_at_ms":1}'),
        ],
        "events.uploads": [
            (b"i1", msgspec.json.encode(upload("i1", None, image=b"this is text, not a picture"))),
            (b"i1", msgspec.json.encode(upload("i1", None, image=jpeg((9, 9, 9))[:300]))),
            (b"i1", msgspec.json.encode(upload("i1", None, image=b""))),
            (b"i1", b'{"event_id":"e","item_id":"i1","user_id":"s","occurred_at_ms":1}'),
        ],
        "events.items": [(b"i1", b'{"event_id":"e","item_id":"i1","occurred_at_ms":"noon"}')],
    }
    producer = system.producer()
    for topic, messages in bad.items():
        for key, value in messages:
            producer.produce(system.topic(topic), key=key, value=value)
    producer.flush()
    with feed(system) as subscriber, publisher(system) as publish:
        publish.publish(upload("good", (30, 160, 60)))
        eventually(lambda: len(system.read("state.catalog")) == 1, "the good picture is in the catalogue")
        publish.publish(click("good-click", "u1", "never heard of"))
        assert [item.item_id for item in answer(subscriber, "good-click").items] == ["good"]
    sent = sum(len(messages) for messages in bad.values())
    eventually(lambda: len(system.read("dead-letters")) == sent, f"{sent} dead letters")
    letters = [msgspec.json.decode(record.value or b"") for record in system.read("dead-letters")]
    assert {letter["reason"] for letter in letters} == {
        "bad_json",
        "bad_image",
        "invalid_event",
        "no_key",
        "unknown_type",
    }


def feed(system: System) -> RecommendationSubscriber:
    return RecommendationSubscriber(system.kafka, prefix=system.settings.topic_prefix)


def publisher(system: System) -> EventPublisher:
    return EventPublisher(system.kafka, prefix=system.settings.topic_prefix)


def answer(subscriber: RecommendationSubscriber, event_id: str, *, deadline_s: float = 60.0) -> Recommendations:
    """The list that a click led to."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        for found in subscriber.poll(1.0):
            if found.trigger.event_id == event_id:
                return found
    pytest.fail(f"no list for {event_id} within {deadline_s:.0f} s")


def click(event_id: str, user_id: str, item_id: str) -> Interaction:
    now_ms = int(time.time() * 1000)
    return Interaction(event_id=event_id, type="click", user_id=user_id, item_id=item_id, occurred_at_ms=now_ms)


def upload(item_id: str, colour: tuple[int, int, int] | None, *, image: bytes | None = None) -> Upload:
    data = jpeg(colour) if colour is not None else image
    now_ms = int(time.time() * 1000)
    return Upload(event_id=f"up-{item_id}", item_id=item_id, user_id="seller", occurred_at_ms=now_ms, image=data)
