"""Several services speak of the same items, by clocks that differ, and the state is what the log says."""

import json
import time
from functools import partial

import msgspec
import pytest

from features.item import Item
from state.codec import decode_item
from streams.wire.events import Upload
from tests.e2e.conftest import System, eventually, jpeg

pytestmark = pytest.mark.stack

MINUTE = 60_000


def test_what_services_say_of_an_item_is_kept_field_by_field(system: System) -> None:
    system.start("uploads", "items")
    for name in ("i1", "i2", "i3"):
        put(
            system,
            "events.uploads",
            name,
            upload(name, title="a shirt", price=9.0, currency="EUR", expires_at_ms=2**42),
        )
    eventually(lambda: len(system.read("state.catalog")) >= 3, "all items are in the catalogue")

    # A price of a fast clock, before a hide and a new price of clocks that are right.
    change(system, "i1", 4 * MINUTE, price=8.0, in_stock=False)
    change(system, "i1", 0, hidden=True, price=12.0, currency="USD", expires_at_ms=2**43)
    # Null takes away, by name; null for everything that is not said does not.
    change(system, "i2", 0, title=None, expires_at_ms=None)
    change(system, "i2", 0, price=7.0, title=None, description=None, category=None, in_stock=None, hidden=None)
    change(system, "i2", 0, colour="red")
    # As Debezium writes it.
    put(system, "events.items", "i3", None)
    eventually(lambda: known(system, "i3") is None, "the item of the tombstone is gone")
    has(system, "i1", price=12.0, currency="USD", hidden=True, in_stock=False, expires_at_ms=2**43, title="a shirt")
    has(system, "i2", price=7.0, currency="EUR", title=None, expires_at_ms=None, hidden=False)

    uploaded = {name: known(system, name) for name in ("i1", "i2")}
    for name in ("i1", "i2", "i3"):
        put(system, "events.uploads", name, upload(name, description="new"))
    is_new = partial(was_uploaded_after, system, uploaded)
    eventually(lambda: is_new("i1") and is_new("i2"), "new pictures are in the catalogue")
    has(system, "i1", price=12.0, currency="USD", hidden=True, in_stock=False, title="a shirt", description="new")
    has(system, "i2", price=7.0, title=None, description="new")
    eventually(lambda: len(system.read("state.signals")) >= 10, "all was passed on")
    assert known(system, "i3") is None

    change(system, "i3", 0, deleted=False)
    put(system, "events.uploads", "i3", upload("i3"))
    has(system, "i3", owner="seller", title=None, price=None)
    assert system.read("dead-letters") == []


def test_an_item_is_recommended_before_its_picture_and_an_id_that_was_only_clicked_is_not(system: System) -> None:
    system.start("items", "interactions")
    change(system, "i1", 0, title="a shirt", category="shirts")
    change(system, "i2", 0, hidden=False)
    has(system, "i1", title="a shirt", embeddings={})

    def is_listed() -> bool:
        click = {"event_id": f"c-{time.time_ns()}", "type": "click", "user_id": "ann", "item_id": "i3"}
        put(system, "events.interactions", "ann", json.dumps(click | {"occurred_at_ms": now_ms()}).encode())
        lists = [json.loads(record.value)["items"] for record in system.read("recommendations") if record.value]
        return [[item["item_id"], item["source"]] for items in lists[-1:] for item in items] == [["i1", "fresh"]]

    eventually(is_listed, "a list has the item that was described, and no other")


def has(system: System, name: str, **fields: object) -> None:
    """Wait until the catalogue has an item with these fields."""

    def as_expected() -> bool:
        item = known(system, name)
        return item is not None and {field: getattr(item, field) for field in fields} == fields

    eventually(as_expected, f"{name} has {fields}")


def was_uploaded_after(system: System, before: dict[str, Item | None], name: str) -> bool:
    first, item = before[name], known(system, name)
    return first is not None and item is not None and item.uploaded_at_ms > first.uploaded_at_ms


def known(system: System, name: str) -> Item | None:
    """The last word of the catalogue on an item; None also before its first."""
    values = [record.value for record in system.read("state.catalog") if record.key == name.encode()]
    return None if not values or values[-1] is None else decode_item(values[-1])


def change(system: System, name: str, ahead_ms: int, **fields: object) -> None:
    """A change by a clock that is so far ahead."""
    event = {"event_id": "s", "item_id": name, "occurred_at_ms": now_ms() + ahead_ms}
    put(system, "events.items", name, json.dumps(event | fields).encode())


def upload(name: str, **fields: object) -> bytes:
    event = {"event_id": f"up-{name}", "item_id": name, "user_id": "seller", "image": jpeg((200, 30, 30))}
    made = msgspec.convert(event | {"occurred_at_ms": now_ms()} | fields, Upload, builtin_types=[bytes])
    return msgspec.json.encode(made)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def put(system: System, topic: str, key: str, value: bytes | None) -> None:
    producer = system.producer()
    producer.produce(system.topic(topic), key=key.encode(), value=value)
    assert producer.flush(30) == 0
