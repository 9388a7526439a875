from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.behaviour import UNKNOWN, Engagement, apply_engagement
from features.item import Change, key_of
from features.trends import NO_TRENDS, update_trends
from state.codec import decode_behaviour, encode_behaviour, encode_sources
from state.signals import partition_of
from streams.errors import InvalidEvent
from streams.wire.namespace import Namespace
from streams.wire.signals import ENGAGED_LIMIT, Changed, Engaged, SignalTopic, Uploaded, encode_signal, parse_signal
from streams.wire.topics import SIGNALS
from tests.harness.catalog import NOW, item

TOPIC = SignalTopic(Namespace("t."), 12)
UPLOADED = Uploaded(item("red-1", tags=(("jersey", 0.7),), colours=(("red", 1.0),)))
CHANGED = Changed("red-1", Change(NOW, price=5.0, hidden=False))


def engagement(key: int, sequence: int = 0) -> Engagement:
    links = ((2**64 - 1, 1.0), (2**63, 0.8), (2**62, 0.64), (2**61, 0.512), (2**60, 0.4096))
    return Engagement(key, NOW, 0.2, links, source=3, sequence=2**50 + sequence)


@pytest.mark.parametrize("signal", [UPLOADED, CHANGED], ids=["uploaded", "changed"])
def test_a_signal_comes_back_as_it_was(signal: Uploaded | Changed) -> None:
    assert parse_signal(TOPIC.message(signal).value) == signal


def test_engagements_come_back_as_they_were_and_in_their_order() -> None:
    told = [engagement(2**64 - 1 - 12 * n, sequence=n) for n in range(5)]
    (message,) = TOPIC.messages(told)

    assert parse_signal(message.value) == Engaged(tuple(told))


def test_engagements_go_to_the_partitions_of_their_items_in_one_message_each() -> None:
    told = [engagement(key, sequence=n) for n, key in enumerate((5, 17, 6, 5, 2**64 - 1))]
    messages = TOPIC.messages(told)

    assert [(message.topic, message.key, message.partition) for message in messages] == [
        ("t.state.signals", None, partition_of(key, 12)) for key in (5, 6, 2**64 - 1)
    ]
    assert parse_signal(messages[0].value) == Engaged((told[0], told[1], told[3]))


def test_a_message_of_engagements_stays_below_what_the_topic_takes() -> None:
    messages = TOPIC.messages([engagement(2**64 - 1, sequence=n) for n in range(ENGAGED_LIMIT + 1)])

    assert len(messages) == 2
    assert len(messages[0].value or b"") < int(SIGNALS.config["max.message.bytes"]) / 2


def test_no_engagements_are_no_message() -> None:
    assert TOPIC.messages([]) == []


def test_everything_about_an_item_goes_to_one_partition() -> None:
    messages = [TOPIC.message(UPLOADED), TOPIC.message(CHANGED), *TOPIC.messages([engagement(key_of("red-1"))])]

    assert {message.topic for message in messages} == {"t.state.signals"}
    assert {message.partition for message in messages} == {partition_of(key_of("red-1"), 12)}
    assert [message.key for message in messages] == [b"red-1", b"red-1", None]


def test_items_are_spread_over_all_partitions() -> None:
    assert {TOPIC.message(Changed(f"i{n}", Change(NOW))).partition for n in range(200)} == set(range(12))


WHOLE = TOPIC.message(UPLOADED).value or b""


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\xc1", b"\x80", WHOLE[:-1], WHOLE + b"\x00", b"\x91" * 10_000, b'{"type":"Changed"}'],
    ids=["null", "empty", "no MessagePack", "no type", "cut off", "a byte too many", "nested", "JSON"],
)
def test_junk_is_an_invalid_event(value: bytes | None) -> None:
    with pytest.raises(InvalidEvent, match="not a signal") as caught:
        parse_signal(value)
    assert caught.value.reason == "bad_signal"


def test_a_signal_of_a_later_release_is_an_invalid_event() -> None:
    with pytest.raises(InvalidEvent):
        parse_signal(msgspec.msgpack.encode({"type": "Renamed", "item_id": "red-1"}))


def changed(signal: Uploaded | Changed | Engaged, path: tuple[str | int, ...], value: object) -> bytes:
    """The signal on the wire, with another value in one place."""
    wire = msgspec.msgpack.decode(encode_signal(signal))
    place = wire
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return msgspec.msgpack.encode(wire)


HUGE, NAN, INFINITE = 2**64 - 1, float("nan"), float("inf")
FIRST = ("engagements", 0)
OUT_OF_RANGE = [
    *[(Engaged((engagement(7),)), (*FIRST, name), -1) for name in ("item", "source", "sequence")],
    *[(Engaged((engagement(7),)), (*FIRST, name), HUGE) for name in ("at_ms", "source", "sequence")],
    (Engaged((engagement(7),)), (*FIRST, "at_ms"), 2**32 * 1000),
    *[(Engaged((engagement(7),)), (*FIRST, "weight"), value) for value in (NAN, INFINITE, -INFINITE, 1e300)],
    *[(Engaged((engagement(7),)), (*FIRST, "links", 1), value) for value in ((-1, 1.0), (5, NAN), (5, INFINITE))],
    *[(CHANGED, ("change", "at_ms"), value) for value in (HUGE, 2**63)],
    (CHANGED, ("item_id",), "i" * 129),
    (CHANGED, ("change", "title"), "t" * 4097),
    *[(UPLOADED, ("item", name), HUGE) for name in ("changed_at_ms", "uploaded_at_ms", "expires_at_ms")],
    (UPLOADED, ("item", "embedding"), b"odd"),
    (UPLOADED, ("item", "embedding"), b"\x00\x7e" * 256),  # NaN
    (UPLOADED, ("item", "further_embeddings"), {"words@1": b"odd"}),
    (UPLOADED, ("item", "further_embeddings"), {"words@1": b"\x00\x7e" * 256}),
    (UPLOADED, ("item", "description"), "d" * 4097),
    (UPLOADED, ("item", "encoder"), "e" * 140_000),
]


@pytest.mark.parametrize(("signal", "path", "value"), OUT_OF_RANGE, ids=lambda value: None)
def test_what_the_state_cannot_hold_is_an_invalid_event(
    signal: Uploaded | Changed | Engaged, path: tuple[str | int, ...], value: object
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        parse_signal(changed(signal, path, value))
    assert caught.value.reason == "bad_signal"


def test_the_largest_numbers_that_the_state_can_hold_are_a_signal() -> None:
    largest = Engagement(2**64 - 1, 2**32 * 1000 - 1, 999.0, ((2**64 - 1, 999.0),), 2**63 - 1, 2**63 - 1)
    assert parse_signal(msgspec.msgpack.encode(Engaged((largest,)))) == Engaged((largest,))


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.sampled_from([0, -1, 2**32 * 1000, 2**63 - 1, 2**63, NOW])
WEIGHTS = st.floats() | st.floats(width=32)
ENGAGEMENTS = st.builds(
    Engagement,
    item=NUMBERS,
    at_ms=NUMBERS,
    weight=WEIGHTS,
    links=st.lists(st.tuples(NUMBERS, WEIGHTS), max_size=3).map(tuple),
    source=NUMBERS,
    sequence=NUMBERS,
)


@given(st.lists(ENGAGEMENTS, min_size=1, max_size=3).map(tuple))
def test_whatever_is_a_signal_can_be_applied_and_stored(engagements: tuple[Engagement, ...]) -> None:
    with suppress(InvalidEvent):
        signal = parse_signal(msgspec.msgpack.encode(Engaged(engagements)))
        assert isinstance(signal, Engaged)
        for each in signal.engagements:
            behaviour = apply_engagement(UNKNOWN, each)
            assert decode_behaviour(encode_behaviour(behaviour)).at_ms == behaviour.at_ms
            update_trends(NO_TRENDS, {each.item: behaviour}, NOW)
            encode_sources({each.source: each.sequence})


@given(st.binary(max_size=100))
def test_any_bytes_are_a_signal_or_an_invalid_event(value: bytes) -> None:
    try:
        parse_signal(value)
    except InvalidEvent:
        return
