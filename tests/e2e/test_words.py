"""Titles become vectors on the way through the topics, and words find items with and without a picture."""

import json
import time
import uuid

import msgspec
import pytest

from cli.items.search.similar import ask
from features.words.item_words import VERSION
from state.codec import decode_item
from streams.wire.events import Upload
from tests.e2e.conftest import DEADLINE_S, System, eventually, jpeg

pytestmark = pytest.mark.stack


def test_words_find_what_items_say_and_go_with_it(system: System) -> None:
    system.start("uploads", "items")
    shirt = upload(
        f"p{time.time_ns()}", item_id="shirt", user_id="seller", image=jpeg((200, 30, 30)), title="Red shirt"
    )
    put(system, "events.uploads", "shirt", msgspec.json.encode(shirt))
    say(system, "milk", title="A pint of milk", category="food")
    eventually(lambda: worded(system) == {"shirt", "milk"}, "both are embedded")
    eventually(lambda: found(system, "crimson blouse")[:1] == ["shirt"], "the shirt is found by other words")
    assert found(system, "something to drink")[:1] == ["milk"]
    assert found(system, "👕") == []

    say(system, "milk", title=None)
    eventually(lambda: worded(system) == {"shirt"}, "the vector goes with the title")
    eventually(lambda: "milk" not in found(system, "something to drink"), "it is found by these words no more")
    assert system.read("dead-letters") == []


def upload(asker: str, **fields: object) -> Upload:
    given: dict[str, object] = {"event_id": asker, "occurred_at_ms": time.time_ns() // 1_000_000}
    return Upload(**given | fields)  # type: ignore[arg-type]  # literal values of the test


def found(system: System, text: str) -> list[str]:
    asker = uuid.uuid4().hex
    query = upload(asker, item_id=asker, user_id=asker, purpose="query", text=text)
    return [item.item_id for item in ask(system.kafka, system.settings.topic_prefix, query, DEADLINE_S).items]


def worded(system: System) -> set[str]:
    """The items that have a vector of words by the last record of each."""
    latest = {record.key: record.value for record in system.read("state.catalog")}
    items = [decode_item(value) for value in latest.values() if value is not None]
    return {item.item_id for item in items if item.words is not None and item.words.version == VERSION}


def say(system: System, name: str, **fields: object) -> None:
    event = {"event_id": f"c{time.time_ns()}", "item_id": name, "occurred_at_ms": time.time_ns() // 1_000_000}
    put(system, "events.items", name, json.dumps(event | fields).encode())


def put(system: System, topic: str, key: str, value: bytes) -> None:
    producer = system.producer()
    producer.produce(system.topic(topic), value, key)
    producer.flush()
