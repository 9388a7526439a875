"""The published schemas and the parser say the same of every message: drawn from the schema, and from the types.

JSON leaves to its readers how large a number may be and what a lone surrogate means; both readers here take only
numbers of 64-bit floats and Unicode (RFC 8259, sections 6 and 8.2), and so do the strategies.
"""

import json
import math
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline_client.events import Event
from sightline_client.parsing import decode
from streams.errors import InvalidEvent
from streams.wire.events import Interaction, ItemChange, PrivacyRequest, Upload
from streams.wire.schemas import schema

# The tracer would double the time of thousands of examples.
pytestmark = pytest.mark.no_cover

KINDS: list[type[Event]] = [Interaction, Upload, ItemChange, PrivacyRequest]
Drawn = st.SearchStrategy[Any]

NUMBERS = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -0.0, 1, 2.0, 2.5, -0.4, 1e9, 1e9 - 0.5, 1.79e9, 1.79e12, 1.79e15, 1.79e18, 2**63, 2.6e11])
)
ODD: Drawn = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8"), max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)


def near(limit: float) -> Drawn:
    """A limit, and the numbers beside it."""
    beside = [limit, limit - 1, limit + 1, float(limit), limit - 0.5, limit + 0.5]
    beside += [math.nextafter(limit, math.inf), math.nextafter(limit, -math.inf)]
    return st.sampled_from(beside)


def valid(part: dict[str, Any], definitions: dict[str, Any]) -> Drawn:
    """Values that a part of a schema accepts, or that lie just outside its bounds."""
    if "$ref" in part:
        return valid(definitions[part["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if "anyOf" in part:
        return st.one_of([valid(one, definitions) for one in part["anyOf"]])
    match part["type"]:
        case "object" if "properties" in part:
            required = set(part.get("required", ()))
            fields = {name: valid(one, definitions) for name, one in part["properties"].items()}
            must = {name: each for name, each in fields.items() if name in required}
            may = {name: each for name, each in fields.items() if name not in required}
            return st.fixed_dictionaries(must, optional=may)
        case "object":
            names = st.text("uv#", min_size=0, max_size=3) | st.just("n" * 129)
            if "enum" in part.get("propertyNames", {}):
                names = st.sampled_from([*part["propertyNames"]["enum"], "none of them"])
            return st.dictionaries(names, valid(part["additionalProperties"], definitions), max_size=34)
        case "integer" | "number":
            bounds = [part[name] for name in ("minimum", "exclusiveMinimum", "maximum") if name in part]
            bounds += [bound for one in part.get("not", {}).get("anyOf", ()) for bound in one.values()]
            return st.one_of(NUMBERS, *map(near, bounds)) if bounds else NUMBERS
        case "string":
            return text(part)
        case "boolean":
            return st.booleans()
        case "array":
            few = st.lists(valid(part["items"], definitions), max_size=3)
            return few | st.sampled_from([["i"] * (part["maxItems"] + beside) for beside in (0, 1)])
    return st.none()


def text(part: dict[str, Any]) -> Drawn:
    """Texts of about the right length and pattern."""
    shortest, longest = part.get("minLength", 0), part.get("maxLength", 8)
    anything = st.text(st.characters(codec="utf-8"), min_size=shortest, max_size=min(longest, shortest + 8))
    if longest <= 5000:
        anything |= st.sampled_from(["💥" * longest, "é" * (longest + 1)])
    if "pattern" not in part:
        return anything
    return anything | st.sampled_from(
        ["EUR", "EUR\n", "eur", "0" * 64, "0" * 64 + "\n", "", "QQ==", "QR==", "QUI=", "QUJD", "QQ", "QQ==QQ==", "Q-=="]
    )


@st.composite
def messages(draw: st.DrawFn, kind: type[Event]) -> Any:
    """A message that obeys its schema or nearly does: up to two fields have some other value or are missing."""
    whole = schema(kind)
    message = draw(valid(whole, whole.get("$defs", {})))
    for name in draw(st.lists(st.sampled_from(sorted(whole["properties"])), max_size=2)):
        if draw(st.booleans()):
            message[name] = draw(ODD)
        else:
            message.pop(name, None)
    return message


def is_read(value: bytes, kind: type[Event]) -> bool:
    try:
        decode(value, kind)
    except InvalidEvent:
        return False
    return True


VALIDATORS = {kind: jsonschema.Draft202012Validator(schema(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200)
@given(data=st.data())
def test_the_parser_accepts_what_the_schema_accepts_and_nothing_else(kind: type[Event], data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    value = json.dumps(message).encode()
    faults = list(VALIDATORS[kind].iter_errors(message))
    assert is_read(value, kind) == (not faults), (value, faults)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=120)
@given(data=st.data())
def test_the_schema_accepts_what_the_types_can_say(kind: type[Event], data: st.DataObject) -> None:
    try:
        event = data.draw(st.builds(kind, **{field.name: of_type(field.type) for field in fields_of(kind)}))
        value = msgspec.json.encode(event)
        decode(value, kind)
    except (ValueError, InvalidEvent):
        return
    assert VALIDATORS[kind].is_valid(json.loads(value)), value


@pytest.mark.parametrize("kind", KINDS)
@given(value=ODD)
def test_both_refuse_what_is_no_object(kind: type[Event], value: Any) -> None:
    assert is_read(json.dumps(value).encode(), kind) == VALIDATORS[kind].is_valid(value)


def fields_of(kind: type[msgspec.Struct]) -> tuple[msgspec.inspect.Field, ...]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return info.fields


def of_type(kind: msgspec.inspect.Type) -> Drawn:
    """Values of a field's type, mostly within its bounds."""
    match kind:
        case msgspec.inspect.Metadata(type=inner):
            return of_type(inner)
        case msgspec.inspect.UnionType(types=kinds):
            return st.one_of([of_type(each) for each in kinds])
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.StrType(min_length=shortest, max_length=longest, pattern=pattern):
            if pattern is not None:
                return st.from_regex(pattern)
            return st.text(st.characters(codec="utf-8"), min_size=shortest or 0, max_size=min(longest or 9, 9))
        case msgspec.inspect.IntType(ge=low, le=high) | msgspec.inspect.FloatType(ge=low, le=high):
            return near(low) | NUMBERS if high is None and low is not None else NUMBERS | st.integers(0, 5)
        case msgspec.inspect.DictType(key_type=keys, value_type=values):
            return st.dictionaries(of_type(keys), of_type(values), max_size=3)
        case msgspec.inspect.StructType(cls=cls):
            return st.builds(cls, **{field.name: of_type(field.type) for field in fields_of(cls)})
        case msgspec.inspect.BytesType():
            return st.binary(max_size=5)
        case msgspec.inspect.BoolType():
            return st.booleans()
    return st.none()
