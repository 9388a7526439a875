from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.behaviour import UNKNOWN, Behaviour, Engagement
from features.dials import NO_DIALS, turn
from features.item import Item
from features.ledger import EMPTY
from features.profile import NEW, NOTHING_ASKED, Action, Privacy, Profile
from features.trends import NO_TRENDS, update_trends
from features.upload_places import UploadPlace
from features.vision.clips.clip import Clip
from features.words.item_words import ItemWords
from state.codec import (
    decode_behaviour,
    decode_item,
    decode_profile,
    decode_sources,
    decode_trends,
    encode_behaviour,
    encode_item,
    encode_profile,
    encode_sources,
    encode_trends,
)
from state.errors import StateCorrupt
from tests.harness.catalog import NOW, act, item, profile_of
from tests.harness.engagements import apply_engagement

keys = st.integers(0, 2**64 - 1)
times = st.integers(0, 2**32 * 1000 - 1)
places = st.builds(UploadPlace, st.integers(0, 9_999), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
actions = st.builds(
    Action,
    event=keys,
    item=keys,
    weight=st.sampled_from([-3.0, 0.0, 0.2, 3.0]),
    at_ms=times,
    upload=st.none() | places,
    is_upload=st.booleans(),
)
offsets = st.integers(-1, 2**63 - 1)
asked = st.builds(Privacy, st.booleans(), times, offsets, times)
dials = st.dictionaries(st.text(max_size=3), st.floats(-1, 1), max_size=40).map(
    lambda named: turn(NO_DIALS, list(named.items()))
)
profiles = st.builds(
    replace,
    st.lists(actions, max_size=80).map(lambda found: profile_of(*found)),
    privacy=asked | st.just(NOTHING_ASKED),
    dials=dials,
)
links = st.lists(st.tuples(keys, st.floats(0.1, 1)), max_size=5).map(tuple)
steps = st.builds(
    Engagement,
    item=keys,
    at_ms=times,
    weight=st.just(0.0) | st.floats(0, 3),
    links=links,
    source=keys,
    sequence=keys,
    voter=st.integers(0, 63),
)


def behaviour_of(engagements: list[Engagement]) -> Behaviour:
    behaviour = UNKNOWN
    for each in engagements:
        behaviour = apply_engagement(behaviour, each)
    return behaviour


behaviours = st.lists(steps, max_size=12).map(behaviour_of)
tables = st.dictionaries(keys, behaviours, max_size=8).map(lambda found: update_trends(NO_TRENDS, found, NOW))
items = st.builds(
    Item,
    item_id=st.text(),
    changed_at_ms=st.integers(-(2**63), 2**63 - 1),
    title=st.none() | st.text(),
    price=st.none() | st.floats(0, 1e9),
    hidden=st.booleans(),
    descriptors=st.none() | st.binary(max_size=300),
    clip=st.none() | st.builds(Clip, st.integers(1, 600_000), st.just("e@1"), st.binary(max_size=100)),
    words=st.none() | st.builds(ItemWords, st.text(max_size=20), st.binary(max_size=8), st.binary(max_size=768)),
    hashes=st.none() | st.binary(min_size=1, max_size=90),
    faults=st.lists(st.text(), max_size=3).map(tuple),
    held=st.lists(st.text(), max_size=3).map(tuple),
    copy_of=st.none() | st.text(min_size=1),
    allowed=st.booleans(),
    expires_at_ms=st.none() | st.integers(-(2**63), 2**63 - 1),
    tags=st.lists(st.tuples(st.text(), st.floats(0, 1))).map(tuple),
    attributes=st.none() | st.dictionaries(st.text(), st.text(), min_size=1, max_size=3),
    own_class=st.none() | st.tuples(st.text(), st.floats(0, 1)),
    embeddings=st.dictionaries(st.text(), st.binary(), max_size=3),
    times=st.dictionaries(st.sampled_from(["*", "price", "hidden", "restored"]), st.integers(-(2**63), 2**63 - 1)),
)


@given(profiles)
@example(profile_of(*(act(f"red-{n % 700}", event=f"e{n}") for n in range(4_000))))
def test_a_profile_comes_back_as_it_was(profile: Profile) -> None:
    back = decode_profile(encode_profile(profile))

    assert (back.count, back.last_at_ms, back.privacy) == (profile.count, profile.last_at_ms, profile.privacy)
    assert (back.seen_today, back.only_uploaded) == (profile.seen_today, profile.only_uploaded)
    for name in ("engaged", "refused", "seen", "events", "dials", "uploads"):
        np.testing.assert_array_equal(getattr(back, name), getattr(profile, name))
        assert getattr(back, name).dtype == getattr(profile, name).dtype
    for name in ("seen_before", "refused_before", "events_before"):
        assert len(getattr(back, name)) == len(getattr(profile, name))
        for one, other in zip(getattr(back, name), getattr(profile, name), strict=True):
            np.testing.assert_array_equal(one, other)


@given(profiles, actions)
def test_a_profile_that_was_stored_goes_on_as_if_it_had_not_been(profile: Profile, action: Action) -> None:
    stored = decode_profile(encode_profile(profile))

    assert encode_profile(profile_of(action, start=stored)) == encode_profile(profile_of(action, start=profile))


@given(behaviours)
def test_a_behaviour_comes_back_as_it_was(behaviour: Behaviour) -> None:
    back = decode_behaviour(encode_behaviour(behaviour))

    assert replace(back, neighbours=EMPTY) == replace(behaviour, neighbours=EMPTY)
    np.testing.assert_array_equal(back.neighbours, behaviour.neighbours)


@given(tables)
def test_trends_come_back_as_they_were(trends: NDArray[np.void]) -> None:
    np.testing.assert_array_equal(decode_trends(encode_trends(trends)), trends)


@given(st.dictionaries(st.integers(0, 1023), st.integers(0, 2**63 - 1)))
def test_sources_come_back_as_they_were(sources: dict[int, int]) -> None:
    assert decode_sources(encode_sources(sources)) == sources


@given(items)
def test_an_item_comes_back_as_it_was(given_item: Item) -> None:
    assert decode_item(encode_item(given_item)) == given_item


def test_a_profile_takes_21_bytes_when_new_and_grows_by_little_more_than_two_bytes_an_event() -> None:
    few = profile_of(*(act(f"red-{n}") for n in range(32)))
    some = profile_of(*(act(f"red-{n}") for n in range(100)))
    many = profile_of(*(act(f"red-{n}") for n in range(300)), *(act(f"blue-{n}", -3.0) for n in range(20)))

    assert len(encode_profile(NEW)) == 21
    assert len(encode_profile(few)) == 3 + 21 + 32 * 16 + 32 * 4 + 32 * 8
    # Redis gives a value of up to 1,274 bytes 1,280, and the key with its overhead 152 more.
    assert len(encode_profile(some)) == 1_274
    assert len(encode_profile(many)) == 2_855


def test_the_longest_profiles_take_20_kib_with_ten_thousand_items_seen_and_44_with_as_many_refused() -> None:
    seen = profile_of(*(act(f"red-{n}", 0.05) for n in range(10_000)))
    refused = profile_of(*(act(f"red-{n}", -3.0) for n in range(10_000)))

    assert len(encode_profile(seen)) < 20_000
    assert len(encode_profile(refused)) < 45_000


def test_only_profiles_with_dials_have_room_for_them() -> None:
    asked = replace(NEW, privacy=Privacy(asked_offset=7, asked_ms=NOW))

    assert (encode_profile(NEW)[0], encode_profile(asked)[0]) == (1, 2)
    assert len(encode_profile(asked)) == 46
    assert len(encode_profile(replace(asked, dials=turn(NO_DIALS, [("shoes", 0.5), ("hats", -1)])))) == 46 + 2 + 2 * 12


@pytest.mark.parametrize(
    ("stored", "privacy"),
    [
        ("01" + "02000000" + "e803000000000000" + "0000" * 4, NEW.privacy),
        (
            "02"
            + "02000000"
            + "e803000000000000"
            + "01"
            + "05"
            + "00" * 7
            + "07"
            + "00" * 7
            + "06"
            + "00" * 7
            + "0000" * 4,
            Privacy(opted_out=True, forgotten_ms=5, asked_offset=7, asked_ms=6),
        ),
    ],
)
def test_what_was_stored_before_there_were_dials_is_read_and_stored_the_same(stored: str, privacy: Privacy) -> None:
    profile = decode_profile(bytes.fromhex(stored))

    assert (profile.count, profile.last_at_ms, profile.privacy, len(profile.dials)) == (2, 1000, privacy, 0)
    assert encode_profile(profile).hex() == stored


@pytest.mark.parametrize("events", [3, 400])
def test_a_profile_that_was_stored_before_days_were_counted_is_read_and_counts_from_the_next_event_on(
    events: int,
) -> None:
    profile = profile_of(*(act(f"red-{n}") for n in range(events)))
    before = encode_profile(profile)[3:]

    assert before[0] in (1, 4)
    read = decode_profile(before)
    assert (read.count, read.seen_today, encode_profile(read)) == (events, 0, before)
    assert profile_of(act("blue-1"), start=read).seen_today == 1


@pytest.mark.parametrize("seen_today", [0, 3, 257])
def test_a_day_that_cannot_be_is_corrupt(seen_today: int) -> None:
    stored = encode_profile(profile_of(act("red-1"), act("red-2")))
    with pytest.raises(StateCorrupt, match=f"2 items seen says {seen_today} of the last day"):
        decode_profile(b"\x05" + seen_today.to_bytes(2, "little") + stored[3:])


@pytest.mark.parametrize("bits", [0, 4])
def test_uploads_of_items_that_a_profile_lacks_are_corrupt(bits: int) -> None:
    stored = encode_profile(profile_of(act("red-1"), act("red-2")))
    with pytest.raises(StateCorrupt, match=f"with 2 items says {bits:b} of those only uploaded"):
        decode_profile(b"\x06" + bits.to_bytes(4, "little") + stored)


def test_a_profile_of_before_has_chosen_what_it_uploaded() -> None:
    profile = profile_of(act("red-1"), replace(act("red-2"), is_upload=True))
    before = encode_profile(replace(profile, only_uploaded=frozenset()))

    assert encode_profile(profile) == b"\x06\x02\0\0\0" + before
    assert decode_profile(before).only_uploaded == frozenset()


@pytest.mark.parametrize("dials", [NO_DIALS, turn(NO_DIALS, [("shoes", 0.5)])])
@pytest.mark.parametrize("events", [1, 40])
@pytest.mark.parametrize("is_upload", [False, True])
def test_a_profile_of_any_layout_that_is_cut_off_is_corrupt(
    dials: NDArray[np.void], events: int, is_upload: bool
) -> None:
    profile = profile_of(*(replace(act(f"red-{n}"), is_upload=is_upload) for n in range(events)))
    stored = encode_profile(replace(profile, privacy=Privacy(asked_offset=7), dials=dials))
    for length in range(len(stored)):
        with pytest.raises(StateCorrupt):
            decode_profile(stored[:length])


@given(st.data())
def test_a_long_history_with_wrong_bytes_is_corrupt_or_a_profile(data: st.DataObject) -> None:
    stored = bytearray(LONG_HISTORY)
    for place in data.draw(st.lists(st.integers(0, len(stored) - 1), min_size=1, max_size=4)):
        stored[place] = data.draw(st.integers(0, 255))
    try:
        profile = decode_profile(bytes(stored))
    except StateCorrupt:
        return
    assert decode_profile(encode_profile(profile)).count == profile.count


LONG_HISTORY = encode_profile(profile_of(*(act(f"red-{n}", -3.0 if n % 7 else 1.0) for n in range(400))))
Decoder = Callable[[bytes], object]
STORED: dict[Decoder, bytes] = {
    decode_profile: encode_profile(profile_of(act("red-1"), act("blue-1", -3.0))),
    decode_behaviour: encode_behaviour(behaviour_of([Engagement(1, NOW, 1.0, ((2, 1.0),), 0, 0)])),
    decode_trends: encode_trends(update_trends(NO_TRENDS, {7: UNKNOWN}, NOW)),
    decode_sources: encode_sources({0: 70, 1: 2**40}),
    decode_item: encode_item(item("red-1")),
}
decoders = pytest.mark.parametrize("decode", STORED, ids=lambda decode: str(decode.__name__))


@decoders
def test_a_value_cut_off_anywhere_is_corrupt(decode: Decoder) -> None:
    decode(STORED[decode])
    for length in range(len(STORED[decode])):
        with pytest.raises(StateCorrupt):
            decode(STORED[decode][:length])


@decoders
def test_a_value_with_a_byte_too_many_is_corrupt(decode: Decoder) -> None:
    with pytest.raises(StateCorrupt):
        decode(STORED[decode] + b"\x01")


@decoders
@given(st.binary(max_size=200))
def test_garbage_is_corrupt_or_a_value(decode: Decoder, garbage: bytes) -> None:
    try:
        decode(garbage)
    except StateCorrupt:
        return


@pytest.mark.parametrize("decode", [decode_profile, decode_behaviour, decode_trends])
def test_a_value_of_another_release_says_so(decode: Decoder) -> None:
    with pytest.raises(StateCorrupt, match="has version 9; this release reads version 1"):
        decode(b"\x09" + STORED[decode][1:])


@pytest.mark.parametrize(
    "value",
    [
        b'{"item_id":"\xff","changed_at_ms":1}',
        b'{"item_id":"i1","changed_at_ms":1,"new":' + b"[" * 10_000,
        b'{"item_id":"i1","changed_at_ms":"today"}',
        b'{"item_id":"i1","changed_at_ms":1,"embedding":"not base64"}',
        b'{"changed_at_ms":1}',
        b"null",
    ],
    ids=["not UTF-8", "nested too deeply", "a time that is text", "a bad embedding", "no id", "null"],
)
def test_an_item_of_other_hands_is_corrupt(value: bytes) -> None:
    with pytest.raises(StateCorrupt, match="an item of the catalogue does not decode"):
        decode_item(value)


def test_an_item_of_the_release_before_attributes_has_none_and_one_without_any_is_stored_the_same() -> None:
    before = b'{"item_id":"i1","changed_at_ms":5,"owner":null,"uploaded_at_ms":0,"title":"Shoe","description":null,"category":null,"price":9.5,"currency":"EUR","in_stock":true,"hidden":false,"deleted":false,"expires_at_ms":null,"tags":[],"colours":[],"embedding":null,"encoder":null}'  # noqa: E501

    assert decode_item(before) == Item("i1", 5, title="Shoe", price=9.5, currency="EUR")
    assert encode_item(decode_item(before)) == before


def test_an_item_may_have_fields_of_a_later_release() -> None:
    later = msgspec.json.encode({"item_id": "i1", "changed_at_ms": 1, "new": {"a": 1}})

    assert decode_item(later) == Item("i1", changed_at_ms=1)
