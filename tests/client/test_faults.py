"""What is said of JSON that cannot be read."""

from datetime import datetime
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from sightline_client.errors import InvalidEvent
from sightline_client.events import Upload
from sightline_client.faults import fault_in, fault_of
from sightline_client.parsing import UNREADABLE, decode

IDS = '"event_id":"a","user_id":"u","item_id":"i","occurred_at_ms":1790000000000,"purpose":"query"'


A_TIME = "must be a time of RFC 3339 with its zone, such as 2026-09-21T14:13:20Z"


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pair: tuple[int, int] = (1, 2)
    either: int | str | None = None
    is_so: bool = True
    few: Annotated[dict[str, int], Meta(max_length=1)] = {}
    at: Annotated[float, Meta(gt=0.5)] = 1
    since: Annotated[datetime, Meta(tz=True)] | None = None


def fault(text: str, kind: type[object]) -> str:
    with pytest.raises(UNREADABLE) as caught:
        msgspec.json.decode(text, type=kind)
    return fault_of(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('"count":"many"', "`count` must be an integer, not a text"),
        ('"count":0', "`count` must be an integer, at least 1"),
        ('"price":[]', "`price` must be a number, not a list"),
        ('"image":"?"', "`image` must be base64"),
        ('"image":7', "`image` must be a text in base64, not an integer"),
        ('"boxes":[]', "`boxes` must be a list of at least 1 elements"),
        ('"boxes":[{"x":2}]', "`boxes[0].x` must be a number, below 1"),
        ('"boxes":[{}]', "`boxes[0]` lacks `x`"),
        ('"box":"o\'x"', '`box` must be one of its known values, not "o\'x"'),
        ('"category":""', "`category` must be a text of at least 1 characters"),
        ('"only":{"attributes":{"a":1}}', "a value in `only.attributes` must be a text, not an integer"),
        ('"attributes":{"":"x"}', "a name in `attributes` must be a text of at least 1 characters"),
    ],
)
def test_an_event_s_fault_names_the_field_and_what_it_must_be(fields: str, said: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode(f"{{{IDS},{fields}}}".encode(), Upload)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "the JSON must be an object, not a list"),
        ('{"new":1}', "the JSON has the unknown field `new`"),
        ('{"pair":[1]}', "`pair` must be a list of 2 elements"),
        ('{"either":1.5}', "`either` must be an integer or a text, not a decimal number"),
        ('{"is_so":null}', "`is_so` must be true or false, not null"),
        ('{"few":{"a":1,"b":2}}', "`few` must be an object of at most 1 fields"),
        ('{"at":0.5}', "`at` must be a number, above 0.5"),
        ('{"at":1e999}', "`at` must be a number of no more than 64 bits"),
        ('{"a\\nb":1}', "the JSON has the unknown field `a\nb`"),
        ('{"":1}', "the JSON has the unknown field ``"),
        ('{"since":"2026-09-21"}', f"`since` {A_TIME}"),
        ('{"since":"2026-09-21T14:13:20"}', f"`since` {A_TIME}"),
        ('{"since":7}', "`since` must be a time, not an integer"),
        ("{", "not JSON in UTF-8: Input data was truncated"),
    ],
)
def test_so_does_that_of_other_json(text: str, said: str) -> None:
    assert fault(text, _Strict) == said


def test_a_rule_of_ours_is_said_as_it_is() -> None:
    assert fault_in("choose one - at `$.boxes[1]`", whole="it") == "`boxes[1]`: choose one"
    assert fault_in("choose one", whole="it") == "choose one"


def test_what_looks_like_a_place_in_a_stranger_s_value_is_none() -> None:
    assert fault_in("Invalid enum value 'x - at `$.y`' - at `$.type`", whole="it") == (
        "`type` must be one of its known values, not 'x - at `$.y`'"
    )
