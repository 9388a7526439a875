"""An export in parts is the export, whatever it holds, and each part fits into its topic."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sightline_client.privacy import Export, ExportedItem, PlaceInLog, join_export
from streams.privacy.export_parts import PART_BYTES, PARTS_LIMIT, keys_of, part_key, split
from streams.wire.events import encode

#: Kafka's limit of a message where nobody set one.
KAFKA_BYTES = 1_048_588

SMALL = Export(
    user_id="ann",
    request=PlaceInLog(3, 17),
    made_ms=1_767_268_800_000,
    interactions=2,
    last_at_ms=1_767_268_800_000,
    opted_out=False,
    forgotten_ms=None,
    engaged=[ExportedItem(item_id="i1", weight=0.5, at_ms=1)],
    refused=[ExportedItem(item_id="i2", weight=0.25, at_ms=2)],
    seen=["i1", "i2"],
    owned=["i3"],
    remembered_events=2,
    dials={"shoes": 0.5},
)


def merchant(items: int, length: int) -> Export:
    return replace(SMALL, owned=[f"{number:0{length}}" for number in range(items)])


def test_a_small_export_is_one_record() -> None:
    assert split(SMALL) == [SMALL]
    assert (SMALL.part, SMALL.parts) == (1, 1)


def test_a_record_of_the_version_before_is_a_whole_export() -> None:
    """The bytes that 1.x wrote: without part and parts."""
    before = (
        b'{"user_id":"ann","request":{"partition":3,"offset":17},"made_ms":1767268800000,"interactions":2,'
        b'"last_at_ms":1767268800000,"opted_out":false,"forgotten_ms":null,'
        b'"engaged":[{"item_id":"i1","weight":0.5,"at_ms":1}],"refused":[{"item_id":"i2","weight":0.25,"at_ms":2}],'
        b'"seen":["i1","i2"],"owned":["i3"],"remembered_events":2,"dials":{"shoes":0.5}}'
    )
    assert join_export([msgspec.json.decode(before, type=Export)]) == SMALL


@pytest.mark.parametrize(("items", "parts"), [(700, 1), (800, 2), (20_000, 22), (200_000, PARTS_LIMIT)])
def test_a_merchants_export_has_parts_that_kafka_takes(items: int, parts: int) -> None:
    export = merchant(items, 60)
    made = split(export)
    assert [(each.part, each.parts) for each in made] == [(number, len(made)) for number in range(1, len(made) + 1)]
    assert parts - 1 <= len(made) <= parts
    assert max(len(encode(each)) for each in made) <= (PART_BYTES if items < 50_000 else KAFKA_BYTES - 1000)
    assert join_export(made) == export


texts = st.text(max_size=30)
entries = st.builds(ExportedItem, item_id=texts, weight=st.floats(0, 9), at_ms=st.integers(0, 2**40))


@given(
    st.builds(
        Export,
        user_id=texts,
        request=st.just(PlaceInLog(0, 1)),
        made_ms=st.just(1),
        interactions=st.just(1),
        last_at_ms=st.none(),
        opted_out=st.booleans(),
        forgotten_ms=st.none(),
        engaged=st.lists(entries, max_size=40),
        refused=st.lists(entries, max_size=40),
        seen=st.lists(texts, max_size=300),
        owned=st.lists(texts, max_size=300),
        remembered_events=st.just(1),
        dials=st.dictionaries(texts, st.floats(-1, 1), max_size=3),
        part=st.just(1),
        parts=st.just(1),
    ),
    st.integers(600, 4000),
)
def test_parts_that_came_in_any_order_and_twice_are_the_export(export: Export, part_bytes: int) -> None:
    parts = split(export, part_bytes)
    assert len(parts) <= PARTS_LIMIT
    assert join_export([*reversed(parts), *parts[:1]]) == export


def test_a_part_that_is_missing_is_named() -> None:
    parts = split(merchant(20_000, 60))
    with pytest.raises(ValueError, match="1 of 22 parts of the export are missing, such as number 9"):
        join_export([part for part in parts if part.part != 9])
    with pytest.raises(ValueError, match="21 of 22 parts"):
        join_export(parts[-1:])
    with pytest.raises(ValueError, match="no part"):
        join_export([])


def test_parts_of_two_exports_are_not_joined() -> None:
    first = split(merchant(2000, 60))
    second = split(replace(merchant(2000, 60), request=PlaceInLog(3, 18)))
    with pytest.raises(ValueError, match="different exports"):
        join_export([first[0], *second[1:]])


def test_every_part_has_a_key_of_its_own_and_the_first_that_of_a_whole_export() -> None:
    keys = keys_of("f00d")
    assert keys[0] == b"f00d"
    assert len(set(keys)) == len(keys) == PARTS_LIMIT
    assert [part_key("f00d", part.part) for part in split(merchant(2000, 60))] == keys[:3]


def test_an_export_of_dials_alone_is_one_part_however_long_their_names_are() -> None:
    dials = {f"{number:0128}": -1.0 for number in range(1000)}
    export = replace(SMALL, engaged=[], refused=[], seen=[], owned=[], dials=dials)
    (part,) = split(export)
    assert (part.dials, join_export([part])) == (dials, export)
