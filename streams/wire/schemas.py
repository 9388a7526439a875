"""Generates JSON Schemas and the AsyncAPI document of the public messages.

`python -m streams.wire.schemas` writes docs/schemas/*.json and docs/asyncapi.yaml.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from sightline_client.numbers import rounded_fields
from streams.wire.events import SHOWN_BY, Interaction, PrivacyRequest, Upload
from streams.wire.examples import MESSAGES, Message

DOCS: Final = Path(__file__).parents[2] / "docs"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def _is(name: str, kind: str) -> dict[str, Any]:
    """That a field is there and of a type."""
    return {"properties": {name: {"type": kind}}, "required": [name]}


def _given(name: str) -> dict[str, Any]:
    """That a field is there, and not null."""
    return {"properties": {name: {"not": {"type": "null"}}}, "required": [name]}


_WITHOUT_BOXES: Final = {name: {"type": "null"} for name in ("box", "boxes")}

#: Rules between fields, which types cannot express.
_RULES: Final[dict[type[msgspec.Struct], dict[str, Any]]] = {
    Interaction: {
        "allOf": [
            {
                "if": {"properties": {"type": {"const": "rate"}}, "required": ["type"]},
                "then": {"properties": {"rating": {"type": "number"}}, "required": ["rating"]},
            },
            {
                "if": {"properties": {"type": {"const": "search"}}, "required": ["type"]},
                "then": {
                    "properties": {"text": {"type": "string"}, "item_id": False},
                    "required": ["text"],
                },
                "else": {"required": ["item_id"]},
            },
            {
                "if": {"properties": {"amount": {"type": "number"}}, "required": ["amount"]},
                "then": {"properties": {"currency": {"type": "string"}}, "required": ["currency"]},
            },
        ]
    },
    PrivacyRequest: {
        "if": {"properties": {"type": {"const": "prefer"}}, "required": ["type"]},
        "then": {"properties": {"prefer": {"type": "object"}}, "required": ["prefer"]},
    },
    Upload: {
        "oneOf": [
            # A box is of a picture.
            *(
                {
                    "properties": {name: {"type": "string"}} | (_WITHOUT_BOXES if is_clip else {}),
                    "required": [name],
                }
                for name, is_clip in ((name, name.startswith("video")) for name in SHOWN_BY)
            ),
            {"properties": {"text": {"type": "string"}} | _WITHOUT_BOXES, "required": ["text"]}
            | {"not": {"anyOf": [_given(name) for name in SHOWN_BY]}}
            | {"if": _is("by", "object"), "then": {"properties": {"by": {"propertyNames": {"const": "words"}}}}},
        ],
        "if": {"anyOf": [_given(name) for name in ("only", "count", "by", "box", "boxes", "text")]},
        "then": {"properties": {"purpose": {"const": "query"}}, "required": ["purpose"]},
        "allOf": [
            {
                "if": {"allOf": [_is("text", "string"), _is("by", "object")]},
                "then": {"properties": {"by": {"required": ["words"]}}},
            },
            {"not": {"allOf": [_given("box"), _given("boxes")]}},
        ],
    },
}


def schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one message."""
    (root,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    name = root["$ref"].rsplit("/", 1)[-1]
    own: dict[str, Any] = _as_read(definitions.pop(name), kind)
    return {"$schema": DIALECT} | own | ({"$defs": definitions} if definitions else {})


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document. Channels are topics; operations are what Sightline does with them."""
    kinds = [message.kind for message in MESSAGES]
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for kind in kinds:
        schemas[kind.__name__] = _as_read(schemas[kind.__name__], kind)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sightline",
            "version": version("sightline"),
            "description": "Clicks, views and uploads in; a refreshed list of recommendations for each user out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {message.name: _channel(message) for message in MESSAGES},
        "operations": {f"{message.action}-{message.name}": _operation(message) for message in MESSAGES},
        "components": {
            "messages": {message.name: _message(message) for message in MESSAGES},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def documents() -> dict[Path, str]:
    """Return the text of every generated file, by path."""
    files = {
        DOCS / "schemas" / f"{message.name}.json": json.dumps(schema(message.kind), indent=2) + "\n"
        for message in MESSAGES
    }
    document = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=100)
    files[DOCS / "asyncapi.yaml"] = f"# Generated from the code by `python -m streams.wire.schemas`.\n{document}"
    return files


def _as_read(definition: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The definition of a message with what its types do not say: the rules between fields, and what is rounded."""
    for name in rounded_fields(kind):
        field = definition["properties"][name]
        (integer,) = [part for part in field.get("anyOf", [field]) if part.get("type") == "integer"]
        integer["type"] = "number"
    return definition | _RULES.get(kind, {})


def _channel(message: Message) -> dict[str, Any]:
    config = message.topic.config
    return {
        "address": message.topic.name,
        "description": f"{message.topic.about}; key: {message.topic.key}",
        "messages": {message.name: {"$ref": f"#/components/messages/{message.name}"}},
        "bindings": {
            "kafka": {
                "topicConfiguration": {
                    "cleanup.policy": config["cleanup.policy"].split(","),
                    "retention.ms": int(config["retention.ms"]),
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(message: Message) -> dict[str, Any]:
    return {
        "action": message.action,
        "channel": {"$ref": f"#/channels/{message.name}"},
        "summary": message.summary,
        "messages": [{"$ref": f"#/channels/{message.name}/messages/{message.name}"}],
    }


def _message(message: Message) -> dict[str, Any]:
    headers = {name: {"type": "string", "description": about} for name, about in message.headers.items()}
    return {
        "name": message.name,
        "title": message.summary,
        "contentType": "application/json",
        **({"headers": {"type": "object", "properties": headers}} if headers else {}),
        "payload": {"$ref": f"#/components/schemas/{message.kind.__name__}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": message.topic.key},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"payload": _payload(example)} for example in message.examples],
    }


def _payload(example: msgspec.Struct) -> dict[str, Any]:
    """Return an example in wire form, without fields that have their default."""
    defaults = {f.name: f.default for f in msgspec.structs.fields(example)}
    wire: dict[str, Any] = msgspec.to_builtins(example)
    return {name: value for name, value in wire.items() if value != defaults[name]}


if __name__ == "__main__":
    for path, text in documents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
