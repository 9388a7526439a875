"""How the OpenAPI document is made of the routes, and what it says of all of them."""

from typing import Any, Final

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from web.problems import MEDIA_TYPE

#: What `Problem` (web/problems.py) says.
_PROBLEM: Final = {
    "title": "Problem",
    "description": "Why there is no other answer (RFC 9457). Further members are those that a route names.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "about:blank: the status and the title say what it is"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong, which value, and what to do"},
        "reason": {"type": "string", "description": "Of an event: the reason of its dead letter"},
        "remedy": {"type": "string", "description": "What to do"},
    },
    "required": ["type", "title", "status", "detail"],
}
_ANY_PROBLEM: Final = {
    "description": "A problem. With 429 and 503, `Retry-After` says when to come back",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Document(JsonRenderPlugin):
    """Serves the document as it is committed."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document as JSON."""
        return self.render_json(request, finished(openapi_schema))


def _operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    return handler.handler_name


#: For the app. The path is that of the document alone, so that the other paths are left to the routes.
CONFIG: Final = OpenAPIConfig(
    title="Sightline",
    version="1",
    description="The web door (docs/http.md). Ids in paths may be any text; all of it is percent-encoded, slashes too.",
    path="/openapi.json",
    render_plugins=[Document(path=["/", "/openapi.json"])],
    operation_id_creator=_operation_id,
    use_handler_docstrings=True,
    components=Components(
        security_schemes={
            "bearer": SecurityScheme(type="http", scheme="bearer", description="A key, or the token of one user")
        }
    ),
    # Without keys the door is for this machine alone, and asks for none.
    security=[{"bearer": []}, {}],
)


def finished(schema: dict[str, Any]) -> dict[str, Any]:
    """The document that Litestar makes of the routes, with our problems in place of its own errors."""
    paths = {path: _with_problems(schema["paths"][path]) for path in sorted(schema["paths"])}
    components = schema["components"]
    schemas = dict(sorted((components.get("schemas", {}) | {"Problem": _PROBLEM}).items()))
    return schema | {"paths": paths, "components": components | {"schemas": schemas}}


def _with_problems(item: dict[str, Any]) -> dict[str, Any]:
    """The operations of a path: what is not among the answers of one is a problem, and so is Litestar's own 400."""
    found: dict[str, Any] = {}
    for method, operation in item.items():
        named = {status: said for status, said in operation["responses"].items() if status != "400"}
        found[method] = operation | {"responses": named | {"default": _ANY_PROBLEM}}
    return found
