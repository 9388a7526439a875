import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from streams.errors import NothingSaid
from streams.wire.examples import MESSAGES, Message
from streams.wire.parsing import parse_interaction, parse_item_change, parse_upload
from streams.wire.records import Record
from streams.wire.schemas import DOCS, asyncapi, documents, schema
from streams.wire.topics import ALL

PARSERS = {"interaction": parse_interaction, "upload": parse_upload, "item-change": parse_item_change}
EXAMPLES = [
    pytest.param(name, example["payload"], id=f"{name}-{place}")
    for name, message in yaml.safe_load((DOCS / "asyncapi.yaml").read_text())["components"]["messages"].items()
    for place, example in enumerate(message["examples"])
]


def message(name: str) -> Message:
    return next(message for message in MESSAGES if message.name == name)


def is_valid(name: str, event: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(schema(message(name).kind)).is_valid(event)


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_the_documents_are_what_the_code_gives(path: Path) -> None:
    assert path.read_text() == documents()[path], "run `uv run python -m streams.wire.schemas`"


@pytest.mark.parametrize(("name", "payload"), EXAMPLES)
def test_a_documented_example_obeys_its_schema(name: str, payload: dict[str, Any]) -> None:
    assert is_valid(name, payload)


@pytest.mark.parametrize(("name", "payload"), [one for one in EXAMPLES if one.values[0] in PARSERS])
def test_a_documented_event_is_read_by_the_agents(name: str, payload: dict[str, Any]) -> None:
    key = payload["item_id" if "user_id" not in payload else "user_id"]
    if name == "upload" and "purpose" not in payload:
        key = payload["item_id"]
    record = Record(message(name).topic.name, 0, 0, 0, key.encode(), json.dumps(payload).encode())
    if payload.get("type") == "search":
        with pytest.raises(NothingSaid):
            PARSERS[name](record)
    else:
        assert PARSERS[name](record).event_id == payload["event_id"]


@pytest.mark.parametrize(("name", "payload"), [one for one in EXAMPLES if one.values[0] not in PARSERS])
def test_a_documented_output_is_read_by_its_type(name: str, payload: dict[str, Any]) -> None:
    assert msgspec.json.decode(json.dumps(payload), type=message(name).kind) in message(name).examples


@pytest.mark.parametrize("one", MESSAGES, ids=lambda one: one.name)
def test_a_schema_is_a_json_schema(one: Message) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(one.kind))


CLICK = {"event_id": "c-1", "type": "click", "user_id": "u1", "item_id": "i9", "occurred_at_ms": 0}
UPLOAD = {"event_id": "n-1", "item_id": "i9", "user_id": "u1", "occurred_at_ms": 0, "image_ref": "a.jpg"}


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("interaction", CLICK | {"type": "teleport"}),
        ("interaction", CLICK | {"type": "rate"}),
        ("interaction", CLICK | {"type": "rate", "rating": None}),
        ("interaction", CLICK | {"item_id": ""}),
        ("interaction", CLICK | {"position": 1.5}),
        ("upload", UPLOAD | {"image_ref": None}),
        ("upload", UPLOAD | {"video_ref": "a.mp4"}),
        ("upload", UPLOAD | {"currency": "euro"}),
        ("item-change", {"event_id": "s-1", "item_id": "i9", "occurred_at_ms": 0, "price": -1}),
    ],
)
def test_a_schema_refuses_what_the_agents_refuse(name: str, event: dict[str, Any]) -> None:
    assert not is_valid(name, event)


def test_a_schema_accepts_fields_it_does_not_know() -> None:
    assert is_valid("interaction", CLICK | {"colour": "red"})


def test_every_channel_is_one_of_our_topics() -> None:
    addresses = {channel["address"] for channel in asyncapi()["channels"].values()}
    assert addresses < {topic.name for topic in ALL}


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi()
    for reference in references(document):
        part: Any = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        assert part


def test_sightline_receives_events_and_sends_lists() -> None:
    actions = {name: operation["action"] for name, operation in asyncapi()["operations"].items()}
    assert actions == {
        "receive-interaction": "receive",
        "receive-upload": "receive",
        "receive-item-change": "receive",
        "receive-privacy-request": "receive",
        "send-recommendations": "send",
        "send-receipt": "send",
        "send-export": "send",
        "send-trends": "send",
        "send-dead-letter": "send",
    }
