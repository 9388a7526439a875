from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.behaviour import Engagement
from features.co_choices.choice import LINKING, WINDOW_LIMIT, Choice, Linking
from features.item import Change, key_of
from features.trends import NO_TRENDS, update_trends
from features.vision.kept_picture import KeptPicture
from features.words.item_words import ItemWords
from state.codec import decode_behaviour, encode_behaviour, encode_sources
from state.signals import partition_of
from streams.errors import InvalidEvent
from streams.items.reducer import ItemEffects
from streams.wire.namespace import Namespace
from streams.wire.signals import (
    CHOSEN_LIMIT,
    Changed,
    Chosen,
    Engaged,
    Signal,
    SignalTopic,
    Uploaded,
    Worded,
    encode_signal,
    parse_signal,
)
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


def test_who_may_upload_comes_back_and_is_false_of_a_release_before() -> None:
    assert parse_signal(encode_signal(replace(UPLOADED, as_owner=True))) == replace(UPLOADED, as_owner=True)
    assert b"as_owner" not in encode_signal(UPLOADED)


@pytest.mark.parametrize("key", ["pictures/../secret", "/etc/passwd", "pictures/ab/x.webp"])
def test_a_picture_with_a_key_that_is_none_of_ours_is_an_invalid_event(key: str) -> None:
    kept = KeptPicture(key, key, 10, 10, 10)
    with pytest.raises(InvalidEvent, match="out of range"):
        parse_signal(encode_signal(Uploaded(item("red-1", kept_picture=kept))))


def choice(key: int, sequence: int = 0, nearby: tuple[int, ...] = ()) -> Choice:
    return Choice(key, NOW, 0.2, nearby, source=3, sequence=2**50 + sequence, voter=63)


def test_choices_come_back_as_they_were_and_in_their_order() -> None:
    told = [choice(2**64 - 1 - 12 * n, sequence=n, nearby=(2**64 - 1,)) for n in range(5)]
    (message,) = SignalTopic(Namespace("t."), 12, Linking(3, 0.5, 0.25)).messages(told)

    assert parse_signal(message.value) == Chosen(tuple(told), Linking(3, 0.5, 0.25))


def test_choices_are_on_the_wire_what_releases_to_come_must_read() -> None:
    chosen = Chosen((Choice(7, 1767268800000, 1.0, (8, 9), 3, 140, 17),), Linking(5, 0.5, 0.25))
    wire = {
        "type": "Chosen",
        "choices": [[7, 1767268800000, 1.0, [8, 9], 3, 140, 17]],
        "linking": {"window": 5, "per_step": 0.5, "backwards": 0.25},
    }

    assert msgspec.msgpack.decode(encode_signal(chosen)) == wire


def test_choices_go_to_the_partitions_of_their_items_in_one_message_each() -> None:
    told = [choice(5, 0), choice(17, 1, (6, 29)), choice(6, 2, (5, 18))]
    messages = TOPIC.messages(told)

    assert [(message.topic, message.key, message.partition) for message in messages] == [
        ("t.state.signals", None, partition_of(key, 12)) for key in (5, 6)
    ]
    assert parse_signal(messages[0].value) == Chosen(tuple(told))
    assert parse_signal(messages[1].value) == Chosen(tuple(told[1:]))


def test_a_choice_is_short() -> None:
    nearby = tuple(2**64 - 1 - 12 * n for n in range(1, 6))
    (message,) = TOPIC.messages([choice(2**64 - 1, n, nearby) for n in range(100)])

    assert len(message.value or b"") < 100 * 90


def test_a_message_of_choices_stays_below_what_the_topic_takes() -> None:
    nearby = tuple(2**64 - 1 - 12 * n for n in range(WINDOW_LIMIT))
    messages = TOPIC.messages([choice(2**64 - 1, n, nearby) for n in range(CHOSEN_LIMIT + 1)])

    assert len(messages) == 2
    assert len(messages[0].value or b"") < 0.75 * int(SIGNALS.config["max.message.bytes"])


def test_no_choices_are_no_message() -> None:
    assert TOPIC.messages([]) == []


def test_everything_about_an_item_goes_to_one_partition() -> None:
    messages = [TOPIC.message(UPLOADED), TOPIC.message(CHANGED), *TOPIC.messages([choice(key_of("red-1"))])]

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


def changed(signal: Signal, path: tuple[str | int, ...], value: object) -> bytes:
    """The signal on the wire, with another value in one place."""
    wire = msgspec.msgpack.decode(encode_signal(signal))
    place = wire
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return msgspec.msgpack.encode(wire)


HUGE, NAN, INFINITE = 2**64 - 1, float("nan"), float("inf")
FIRST = ("engagements", 0)
#: The values of a choice on the wire, in order.
ITEM, AT_MS, WEIGHT, NEARBY, SOURCE, SEQUENCE, VOTER = range(7)
CHOSEN = Chosen((choice(7),))
OUT_OF_RANGE: list[tuple[Signal, tuple[str | int, ...], object]] = [
    *[(CHOSEN, ("choices", 0, field), -1) for field in (ITEM, SOURCE, SEQUENCE, VOTER)],
    *[(CHOSEN, ("choices", 0, field), HUGE) for field in (AT_MS, SOURCE, SEQUENCE, VOTER)],
    *[(CHOSEN, ("choices", 0, WEIGHT), value) for value in (NAN, INFINITE, -INFINITE, 1e300)],
    *[(CHOSEN, ("choices", 0, NEARBY), value) for value in ([-1], [1] * (WINDOW_LIMIT + 1), 5)],
    *[(CHOSEN, ("linking", "window"), value) for value in (-1, WINDOW_LIMIT + 1)],
    *[(CHOSEN, ("linking", name), value) for name in ("per_step", "backwards") for value in (-0.1, 1.1, NAN)],
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
    signal: Signal, path: tuple[str | int, ...], value: object
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


CHOICES = st.builds(
    Choice,
    item=NUMBERS,
    at_ms=NUMBERS,
    weight=WEIGHTS,
    nearby=st.lists(NUMBERS, max_size=3).map(tuple),
    source=NUMBERS,
    sequence=NUMBERS,
)


@given(st.lists(ENGAGEMENTS, min_size=1, max_size=3).map(tuple))
def test_whatever_is_a_signal_can_be_applied_and_stored(engagements: tuple[Engagement, ...]) -> None:
    with suppress(InvalidEvent):
        signal = parse_signal(msgspec.msgpack.encode(Engaged(engagements)))
        assert isinstance(signal, Engaged)
        effects = ItemEffects()
        for each in signal.engagements:
            effects.engage(each)
        check_stored(effects)


@given(st.lists(CHOICES, min_size=1, max_size=3).map(tuple))
def test_whatever_is_a_choice_can_be_applied_and_stored(choices: tuple[Choice, ...]) -> None:
    with suppress(InvalidEvent):
        signal = parse_signal(msgspec.msgpack.encode(Chosen(choices)))
        assert isinstance(signal, Chosen)
        effects = ItemEffects()
        for each in signal.choices:
            effects.choose(each, LINKING)
        check_stored(effects)


def check_stored(effects: ItemEffects) -> None:
    effects.link()
    for behaviour in effects.behaviours.values():
        assert decode_behaviour(encode_behaviour(behaviour)).at_ms == behaviour.at_ms
    update_trends(NO_TRENDS, effects.behaviours, NOW)
    encode_sources(effects.sources)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_signal_or_an_invalid_event(value: bytes) -> None:
    try:
        parse_signal(value)
    except InvalidEvent:
        return


@pytest.mark.parametrize(
    "words",
    [
        ItemWords("", bytes(8), b""),
        ItemWords("v" * 129, bytes(8), b""),
        ItemWords("v@1", bytes(7), b""),
        ItemWords("v@1", bytes(8), bytes(766)),
        ItemWords("v@1", bytes(8), b"\xff" * 768),
    ],
    ids=["no version", "long version", "short hash", "short vector", "nan"],
)
def test_words_that_cannot_be_compared_with_are_refused(words: ItemWords) -> None:
    with pytest.raises(InvalidEvent, match="out of range"):
        parse_signal(encode_signal(Worded("i1", words)))
    with pytest.raises(InvalidEvent, match="out of range"):
        parse_signal(encode_signal(Uploaded(item("red-1", words=words))))
