"""The OpenAPI document: what Litestar finds in the handlers, and what it cannot find there.

These are the answers that say what went wrong, and the bodies that handlers read themselves.
"""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from sightline_client.events import Interaction, ItemChange
from web.problems import MEDIA_TYPE

_REF: Final = "#/components/schemas/{name}"
_BINARY: Final = {"type": "string", "format": "binary"}
_FIELDS: Final = ("title", "description", "category", "currency", "user_id")
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and which value"},
        "remedy": {"type": "string", "description": "What to do"},
        "reason": {"type": "string", "description": "The reason that a dead letter would have"},
    },
}
_ERROR: Final = {
    "description": "What went wrong (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
}
_EVENT: Final = {"$ref": _REF.format(name=Interaction.__name__)}
_CLOUD_EVENT: Final = {"type": "object", "required": ["specversion", "id", "source", "type"]}
#: The fields that an event has without saying them: made here, or named by the path.
_GIVEN: Final = {Interaction: {"event_id", "occurred_at_ms"}, ItemChange: {"event_id", "occurred_at_ms", "item_id"}}
#: The schemas of the bodies that handlers read themselves, by media type.
_BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("/v1/events", "post"): {
        "application/json": {"oneOf": [_EVENT, {"type": "array", "items": _EVENT}]},
        "application/x-ndjson": {"type": "string"},
        "application/cloudevents+json": _CLOUD_EVENT,
        "application/cloudevents-batch+json": {"type": "array", "items": _CLOUD_EVENT},
    },
    ("/v1/items/{item_id}", "patch"): {"application/json": {"$ref": _REF.format(name=ItemChange.__name__)}},
    ("/v1/items/{item_id}/picture", "put"): {
        "image/*": _BINARY,
        "video/*": _BINARY,
        "multipart/form-data": {
            "type": "object",
            "required": ["picture"],
            "properties": {"picture": _BINARY, "price": {"type": "number"}, **{n: {"type": "string"} for n in _FIELDS}},
        },
    },
}


class OpenApiDocument(JsonRenderPlugin):
    """Serves the document."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The whole document as JSON."""
        return super().render(request, completed(openapi_schema))


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the errors and bodies that Litestar does not know of."""
    paths = {
        path: {method: _operation(path, method, each) for method, each in operations.items()}
        for path, operations in document["paths"].items()
    }
    components = document.get("components", {})
    schemas = components.get("schemas", {}) | _schemas() | {"Problem": _PROBLEM}
    return document | {"paths": paths, "components": components | {"schemas": schemas}}


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    good = {status: said for status, said in operation["responses"].items() if int(status) < 400}
    made = operation | {"responses": good | {"default": _ERROR}}
    by_type = _BODIES.get((path, method))
    if by_type is not None:
        content = {media_type: {"schema": schema} for media_type, schema in by_type.items()}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _schemas() -> dict[str, Any]:
    """The schemas of the events in bodies, in which nothing is required that is made here."""
    _, found = msgspec.json.schema_components(_GIVEN, ref_template=_REF)
    for kind, given in _GIVEN.items():
        schema = found[kind.__name__]
        schema["required"] = [name for name in schema["required"] if name not in given]
        if not schema["required"]:
            del schema["required"]
    return found
