"""JSON numbers in fields of integers. JSON has one kind of number: PHP, Lua and Spark write 1500.0, others 1.79E12."""

import math
from functools import cache
from typing import Any, cast

import msgspec.inspect

#: What `Meta.extra` says of a field: a Unix time, or a duration, in milliseconds.
UNIX_MS = {"milliseconds": "since 1970"}
DURATION_MS = {"milliseconds": "duration"}


def with_integers(fields: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of a message, with an integer in place of a float that stands for one; times are rounded.

    A float of another field, or with a fraction where that means something, stays and is refused by its type.
    """
    return fields | {
        name: _to_integer(fields[name], is_rounded)
        for name, is_rounded in _integer_fields(kind).items()
        if type(fields.get(name)) is float
    }


def rounded_fields(kind: type[msgspec.Struct]) -> list[str]:
    """The fields in milliseconds: of these any number is taken."""
    return [name for name, is_rounded in _integer_fields(kind).items() if is_rounded]


@cache
def time_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that are Unix times."""
    return tuple(field.name for field in _fields(kind) if _unit(field.type) == UNIX_MS)


def _to_integer(value: float, is_rounded: bool) -> float:
    if value.is_integer():
        return int(value)
    if not is_rounded:
        return value
    # A negative number must not become 0, which a bound may accept.
    return math.floor(value) if value < 0 else round(value)


@cache
def _integer_fields(kind: type[msgspec.Struct]) -> dict[str, bool]:
    """The fields of integers, and whether a fraction of each is rounded."""
    return {field.name: _unit(field.type) is not None for field in _fields(kind) if _is_integer(field.type)}


def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.inspect.Field, ...]:
    return cast(msgspec.inspect.StructType, msgspec.inspect.type_info(kind)).fields


def _is_integer(kind: msgspec.inspect.Type) -> bool:
    match kind:
        case msgspec.inspect.UnionType(types=kinds):
            return any(map(_is_integer, kinds))
        case msgspec.inspect.Metadata(type=inner):
            return _is_integer(inner)
    return isinstance(kind, msgspec.inspect.IntType)


def _unit(kind: msgspec.inspect.Type) -> dict[str, Any] | None:
    match kind:
        case msgspec.inspect.UnionType(types=kinds):
            return next((unit for unit in map(_unit, kinds) if unit is not None), None)
        case msgspec.inspect.Metadata(extra=extra):
            return extra
    return None
