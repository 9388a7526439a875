"""Publishes the events of a file and says what became of each: `events.jsonl`, one case a line.

A line has `case`, `topic`, `key`, `value` (an object, a text or null) or `value_base64`, `note`, `expect`, and perhaps
`headers`.
"""

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.field.case import Case, tried
from benchmarks.field.system import System, await_that, click
from features.item import Item
from state.codec import decode_item
from streams.wire.topics import CATALOG

PICTURE_LESS = {"event_id", "item_id", "occurred_at_ms"}


def event_cases(system: System, file: Path) -> Iterator[Case]:
    """The cases of a file, each on keys of its own."""
    for number, line in enumerate(file.read_text().splitlines()):
        given = json.loads(line)
        name = f"{given['case']} {given['note']}"
        look = _items_case if given["topic"] == "events.items" else _interactions_case
        yield tried(name, given["expect"], look, system, name, given, number)


def _value(given: dict[str, Any]) -> bytes | None:
    if "value_base64" in given:
        return base64.b64decode(given["value_base64"])
    value = given["value"]
    if value is None or isinstance(value, str):
        return None if value is None else value.encode()
    return json.dumps(value).encode()


def _headers(given: dict[str, Any]) -> dict[str, bytes]:
    return {name: value.encode() for name, value in given.get("headers", {}).items()}


def _interactions_case(system: System, name: str, given: dict[str, Any], number: int) -> Case:
    place = system.publish(given["topic"], given["key"].encode(), _value(given), _headers(given))
    # A second event of the same user: when it is answered, the first has been handled.
    after = f"after-{number}"
    system.publish(given["topic"], given["key"].encode(), click(given["key"], "i1", after))
    await_that(lambda: any(each["trigger"]["event_id"] == after for each in system.lists()))
    reason = system.refusal(place)
    ids = [each["trigger"]["event_id"] for each in system.lists() if each["user_id"] == given["key"]]
    own = next((each for each in ids if not each.startswith("after-")), "unknown, since both made one list")
    seen = f"dead letter {reason}" if reason else f"applied, event id {own}"
    return Case(name, given["expect"], seen, _agrees(given["expect"], seen))


def _items_case(system: System, name: str, given: dict[str, Any], number: int) -> Case:
    key = given["key"]
    system.publish("events.uploads", key.encode(), json.dumps(_upload(key, number)).encode())
    if not await_that(lambda: _known(system, key) is not None):
        return Case(name, given["expect"], "the item was not uploaded", False)
    place = system.publish(given["topic"], key.encode(), _value(given), _headers(given))
    await_that(lambda: system.refusal(place) is not None or _changed(_known(system, key), given), 20.0)
    reason, item = system.refusal(place), _known(system, key)
    if reason:
        seen = f"dead letter {reason}: refused"
    elif item is None or item.deleted:
        seen = "the item is deleted"
    else:
        seen = f"{item.price:g} {item.currency}, expiry {item.expires_at_ms}"
    return Case(name, given["expect"], seen, _agrees(given["expect"], seen) or _changed(item, given))


def _upload(item_id: str, number: int) -> dict[str, Any]:
    """An upload of the time of the file's events, with a price in EUR and an expiry."""
    picture = BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(picture, "JPEG")
    return {
        "event_id": f"upload-{number}",
        "item_id": item_id,
        "user_id": "shop",
        "occurred_at_ms": 1_790_000_000_000 - 1,
        "image": base64.b64encode(picture.getvalue()).decode(),
        "price": 9.0,
        "currency": "EUR",
        "expires_at_ms": 4_000_000_000_000,
    }


def _changed(item: Item | None, given: dict[str, Any]) -> bool:
    """Whether an item has all values that the event says; a tombstone says that it is gone."""
    if given.get("value") is None:
        return item is None or item.deleted
    said = {field: value for field, value in given["value"].items() if field not in PICTURE_LESS}
    return item is not None and all(getattr(item, field) == value for field, value in said.items())


def _known(system: System, item_id: str) -> Item | None:
    """The item's latest record on state.catalog."""
    found = None
    for record in system.records(CATALOG):
        if record.key == item_id.encode():
            found = None if record.value is None else decode_item(record.value)
    return found


def _agrees(expect: str, seen: str) -> bool:
    """Whether what was seen is one of the things that the file allows."""
    if seen.startswith("applied"):
        wanted = expect.partition("event id ")[2].split(",")[0].strip()
        return expect.startswith("applied") and (not wanted or seen.endswith(f" {wanted}"))
    words = ("deleted",) if "deleted" in seen else ("dead letter that names", "refused")
    return any(word in expect for word in words)
