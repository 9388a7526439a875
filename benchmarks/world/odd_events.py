"""Malformed records of every topic that our agents read, drawn by hypothesis."""

import json
import math
import zlib
from typing import Any

import msgspec
from hypothesis import strategies as st

from features.behaviour import Engagement
from features.co_choices.choice import Choice
from features.item import Change
from streams.wire.records import Record
from streams.wire.signals import Changed, Chosen, Engaged, encode_signal
from streams.wire.topics import INTERACTIONS, ITEMS, SIGNALS, UPLOADS

NOON = 1_767_268_800_000

_COMMON = {"event_id": "e1", "item_id": "i1", "occurred_at_ms": NOON}
_EVENTS: dict[str, dict[str, object]] = {
    INTERACTIONS.name: {**_COMMON, "user_id": "u1", "type": "click", "position": 3},
    UPLOADS.name: {**_COMMON, "user_id": "u1", "image": "/9j/4AAQ", "title": "Red shoe", "price": 9.5},
    ITEMS.name: {**_COMMON, "price": 8.0, "in_stock": True, "hidden": False},
}
_ENGAGEMENT = Engagement(7, NOON, 0.5, ((8, 1.0), (9, 0.8)), source=3, sequence=5)
_CHOICE = Choice(7, NOON, 0.5, (8, 9), source=3, sequence=5)
_SIGNALS: tuple[Chosen | Engaged | Changed, ...] = (
    Chosen((_CHOICE,) * 2),
    Engaged((_ENGAGEMENT,) * 2),
    Changed("i1", Change(NOON, price=5.0)),
)

_NUMBERS = st.integers() | st.integers(-(2**80), 2**80) | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 1e308])
#: Includes lone surrogates, which Python writes as \\ud800.
_TEXTS = st.text(st.characters(), max_size=12) | st.sampled_from(["\ud800", "\0", "💥" * 200, "x" * 5000, "u1", "i1"])
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
#: Kafka allows None as a header value, although our type does not.
_HEADERS: st.SearchStrategy[list[Any]] = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "CE_Time", "ce-type", "content-type", "Content-Type", "traceparent", "\0" * 9000]),
        st.none()
        | st.binary(max_size=12)
        | st.sampled_from([b"application/cloudevents+json", b"2026-01-01T12:00:00Z", b"9999-12-31T23:59:59-23:59"]),
    ),
    max_size=3,
)
_FLOODS = st.integers(33, 3000).map(lambda count: [("h", b"v")] * count)
_KEYS = st.sampled_from([None, b"u1", b"i1", b"", b"\xff", b"k" * 70_000])


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A record of one of our topics, rarely a valid one."""
    topic = draw(st.sampled_from([*_EVENTS, SIGNALS.name]))
    value = draw(_signal_bytes() if topic == SIGNALS.name else _event_bytes(topic))
    headers = draw(st.just([]) | _HEADERS | _FLOODS)
    return Record(topic, 0, 0, NOON, draw(_KEYS), draw(st.just(value) | st.none()), tuple(headers))


@st.composite
def _event_bytes(draw: st.DrawFn, topic: str) -> bytes:
    event = _EVENTS[topic] | draw(st.dictionaries(st.sampled_from([*_EVENTS[topic], "data", "id"]), _VALUES))
    text = json.dumps(event).encode()
    return draw(st.just(text) | _damaged(text) | _hostile(text) | st.binary(max_size=200))


@st.composite
def _signal_bytes(draw: st.DrawFn) -> bytes:
    wire = msgspec.msgpack.decode(encode_signal(draw(st.sampled_from(_SIGNALS))))
    inner = wire.get("change") or wire.get("linking") or wire["engagements"][0]
    fields = draw(st.sampled_from([wire, inner, *wire.get("choices", ())]))
    names = range(len(fields)) if isinstance(fields, list) else sorted(fields)
    fields[draw(st.sampled_from(names))] = draw(_packable())
    packed = msgspec.msgpack.encode(wire)
    return draw(st.just(packed) | st.just(packed) | _damaged(packed) | st.binary(max_size=200))


def _packable() -> st.SearchStrategy[Any]:
    edges = st.sampled_from([-1, 2**32 * 1000, 2**63 - 1, 2**63, 2**64 - 1, math.nan, math.inf, -math.inf, 1e300])
    numbers = edges | st.integers(-(2**63), 2**64 - 1) | st.floats()
    return numbers | edges | st.lists(st.tuples(numbers, numbers), max_size=3) | st.text(max_size=200) | st.none()


@st.composite
def _damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """The text truncated, with some bytes overwritten."""
    damaged = bytearray(text)
    for _ in range(draw(st.integers(0, 3))):
        damaged[draw(st.integers(0, len(text) - 1))] = draw(st.sampled_from([0xFF, 0, 0x22, 0x7B, 0xED, 0xC1]))
    return bytes(damaged[: draw(st.integers(0, len(text)) | st.just(len(text)))])


@st.composite
def _hostile(draw: st.DrawFn, text: bytes) -> bytes:
    """The text nested deeply, enlarged, doubled, or in the wrong encoding."""
    count = draw(st.sampled_from([1, 100, 5000, 60_000]))
    return draw(
        st.sampled_from(
            [
                b'{"a":' * count + text + b"}" * count,
                b"[" * count + b"]" * count,
                text[:-1] + b',"x":' + b"[" * count,
                text[:-1] + b',"occurred_at_ms":' + b"9" * count + b"}",
                text[:-1] + b',"price":1e' + b"9" * count + b"}",
                text[:-1] + b',"rating":NaN,"price":-Infinity}',
                text[:-1] + b',"user_id":"u2","user_id":"\\ud800"}',
                b"{" + b'"event_id":"x",' * count + text[1:],
                text + b" " * count + text,
                b"\xef\xbb\xbf" + text,
                b"\0\0\0\0\7" + text,
                b"\3\5" + bytes(16) + zlib.compress(text * count),
                b'{"specversion":"1.0","id":"1","source":"/","data":' + text + b"}",
                text.decode().encode("utf-16"),
                b"\0" * count,
            ]
        )
    )
