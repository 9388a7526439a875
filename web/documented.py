"""What handlers say of themselves for the OpenAPI document, where their signatures do not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from litestar import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody, Schema

#: The schema of a file.
FILE: Final = {"type": "string", "format": "binary"}
NOTHING: Final[Mapping[str, Any]] = {}


def answer(of: type[Any] | None, description: str, media_type: str = MediaType.JSON) -> ResponseSpec:
    """One of the answers of a handler, for its `responses`; without examples, which are drawn by chance."""
    # What the class wants is only said for its own enumeration.
    return ResponseSpec(of, generate_examples=False, description=description, media_type=cast(MediaType, media_type))


def header(name: str, description: str) -> Parameter:
    """A header that a handler reads itself."""
    text = Schema(type=OpenAPIType.STRING)
    return Parameter(name=name, param_in="header", schema=text, description=description)


def takes(
    bodies: Mapping[str, Any] = NOTHING, *, optional: Collection[str] = (), headers: Sequence[Parameter] = ()
) -> type[Operation]:
    """The `operation_class` of a handler that reads these headers and bodies itself.

    Bodies are types, or schemas, by media type; `bytes` is a file. `optional` fields may be left out of a body,
    although its type has them.
    """
    content = {media: OpenAPIMediaType(schema=_schema(of, optional)) for media, of in bodies.items()}

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            if content:
                self.request_body = RequestBody(content=content, required=True)
            self.parameters = [*(self.parameters or []), *headers] or None

    return Taking


def _schema(of: Any, optional: Collection[str]) -> Schema:
    if of is bytes:
        return cast(Schema, FILE)
    if isinstance(of, dict):
        return cast(Schema, of)
    (schema,), components = msgspec.json.schema_components([of], ref_template="{name}")
    # Litestar writes a dictionary as it is.
    return cast(Schema, _Inlining(components, optional).of(schema))


@dataclass(frozen=True, slots=True)
class _Inlining:
    """Makes schemas that name no other: the document's own schemas are Litestar's."""

    components: Mapping[str, Any]
    optional: Collection[str]

    def of(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.of(each) for each in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("required"), list):
            value = value | {"required": [name for name in value["required"] if name not in self.optional]}
        # That a text is base64 says what its pattern says.
        left_out = {"$ref", "pattern", "not"} if "contentEncoding" in value else {"$ref"}
        rest = {name: self.of(each) for name, each in value.items() if name not in left_out}
        return rest | (self.of(self.components[value["$ref"]]) if "$ref" in value else {})
