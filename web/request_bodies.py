"""What the bodies of requests hold, for the OpenAPI document: of handlers that read their bodies themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema

_FILE: Final = {"type": "string", "format": "binary"}


def takes(bodies: Mapping[str, Any], *, optional: Collection[str] = ()) -> type[Operation]:
    """The `operation_class` of a handler that takes bodies of these types, by media type; `bytes` for a file.

    `optional` fields may be left out of a body, although its type has them.
    """
    content = {media: OpenAPIMediaType(schema=_schema(of, optional)) for media, of in bodies.items()}

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(content=content, required=True)

    return Taking


def _schema(of: Any, optional: Collection[str]) -> Schema:
    if of is bytes:
        return cast(Schema, _FILE)
    (schema,), components = msgspec.json.schema_components([of], ref_template="{name}")
    made = _inlined(schema, components)
    if "required" in made:
        made["required"] = [name for name in made["required"] if name not in optional]
    # Litestar writes a dictionary as it is.
    return cast(Schema, made)


def _inlined(value: Any, components: Mapping[str, Any]) -> Any:
    """A schema that names no other: the document's own schemas are Litestar's."""
    if isinstance(value, list):
        return [_inlined(each, components) for each in value]
    if not isinstance(value, dict):
        return value
    # That a text is base64 says what its pattern says.
    left_out = {"$ref", "pattern", "not"} if "contentEncoding" in value else {"$ref"}
    rest = {name: _inlined(each, components) for name, each in value.items() if name not in left_out}
    return rest | (_inlined(components[value["$ref"]], components) if "$ref" in value else {})
