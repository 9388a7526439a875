"""What is wrong with JSON that cannot be read: which field, what it must be, and what it is."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

_TYPES: Final[Mapping[str, str]] = {
    "int": "an integer",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
    "datetime": "a time",
    "bytes": "a text in base64",
}
_PARTS: Final[Mapping[str, str]] = {"str": "characters", "array": "elements", "object": "fields"}
_BOUNDS: Final[Mapping[str, str]] = {">=": "at least", ">": "above", "<=": "at most", "<": "below"}
#: The forms of msgspec's messages, each with what is said of a field instead.
_FORMS: Final[Mapping[re.Pattern[str], Callable[[re.Match[str]], str]]] = {
    re.compile(r"Expected `([\w |]+)`, got `(\w+)`"): lambda found: (
        f"must be {_any_of(found[1])}, not {_got(found[2])}"
    ),
    re.compile(r"Expected `(str|array|object)` of length (>=|<=) (\d+)"): lambda found: (
        f"must be {_TYPES[found[1]]} of {_BOUNDS[found[2]]} {found[3]} {_PARTS[found[1]]}"
    ),
    re.compile(r"Expected `array` of length (\d+)"): lambda found: f"must be a list of {found[1]} elements",
    re.compile(r"Expected `(int|float)` (>=|>|<=|<) (\S+)"): lambda found: (
        f"must be {_TYPES[found[1]]}, {_BOUNDS[found[2]]} {found[3].removesuffix('.0')}"
    ),
    re.compile(r"Expected `str` matching regex (.+)"): lambda found: f"must be a text of the form {found[1]}",
    re.compile(r"Invalid (?:enum )?value (.+)"): lambda found: f"must be one of its known values, not {found[1]}",
    re.compile(r"Invalid base64 encoded string"): lambda _: "must be base64",
    re.compile(r"Invalid RFC3339 encoded datetime|Expected `datetime` with a timezone component"): lambda _: (
        "must be a time of RFC 3339 with its zone, such as 2026-09-21T14:13:20Z"
    ),
    re.compile(r"(?:Number|Integer value) out of range"): lambda _: "must be a number of no more than 64 bits",
    re.compile(r"Object missing required field `(.+)`"): lambda found: f"lacks `{found[1]}`",
    # Whatever a stranger calls a field, with line breaks.
    re.compile(r"Object contains unknown field `(.*)`", re.DOTALL): lambda found: f"has the unknown field `{found[1]}`",
}
#: Where it says that the fault is: a field, an element of one, or a name in an object.
_PLACE: Final = re.compile(r"(`key` in )?`\$(.*?)(\[\.\.\.\])?`")


def fault_of(error: Exception, *, whole: str = "the JSON") -> str:
    """What was wrong when reading raised one of `sightline_client.parsing.UNREADABLE`; `whole` names what was read.

    >>> fault_of(msgspec.ValidationError("Expected `int | null`, got `str` - at `$.count`"))
    '`count` must be an integer, not a text'
    """
    if not isinstance(error, msgspec.ValidationError):
        return f"not JSON in UTF-8: {error}"
    return fault_in(str(error), whole=whole)


def fault_in(message: str, *, whole: str) -> str:
    """What a message of msgspec says; one of a rule of ours stays as it is, with its field before it.

    >>> fault_in("Object missing required field `x` - at `$.boxes[0]`", whole="the query")
    '`boxes[0]` lacks `x`'
    """
    what, _, at = message.rpartition(" - at ")
    place = _PLACE.fullmatch(at)
    what, subject = (message, whole) if place is None else (what, _subject(place, whole))
    for form, said in _FORMS.items():
        if (found := form.fullmatch(what)) is not None:
            return f"{subject} {said(found)}"
    return what if place is None else f"{subject}: {what}"


def _subject(place: re.Match[str], whole: str) -> str:
    field = f"`{name}`" if (name := place[2].removeprefix(".")) else whole
    if place[1]:
        return f"a name in {field}"
    return f"a value in {field}" if place[3] else field


def _any_of(types: str) -> str:
    names = types.split(" | ")
    return " or ".join(_TYPES.get(name, name) for name in names if name != "null" or len(names) == 1)


def _got(kind: str) -> str:
    return "a decimal number" if kind == "float" else _TYPES.get(kind, kind)
