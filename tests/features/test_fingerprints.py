import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.fingerprints import FingerprintSets, Generations, count

SMALL = FingerprintSets(bits=32, size=4, limit=3)
keys = st.integers(0, 2**64 - 1)


def test_the_keys_of_two_full_sets_are_remembered_and_older_ones_forgotten() -> None:
    sets: Generations = ()
    for key in range(100):
        sets = SMALL.add(sets, key)

    assert [each.tolist() for each in sets] == [[88, 89, 90, 91], [92, 93, 94, 95], [96, 97, 98, 99]]
    assert [SMALL.has(sets, key) for key in (87, 88, 99, 100)] == [False, True, True, False]


def test_a_key_that_comes_again_takes_no_room_in_the_last_set() -> None:
    sets = SMALL.add(SMALL.add((), 7), 7)

    assert count(sets) == 1


@given(st.lists(keys, max_size=30), st.lists(keys, max_size=10), st.integers(1, 32))
def test_all_ways_to_ask_say_the_same(added: list[int], others: list[int], bits: int) -> None:
    plan = FingerprintSets(bits=bits, size=10, limit=4)
    sets: Generations = ()
    for key in added:
        sets = plan.add(sets, key)
    asked = added + others

    assert plan.among(sets, np.array(asked, np.uint64)).tolist() == [plan.has(sets, key) for key in asked]
    assert all(plan.has(sets, key) for key in added)


@given(st.lists(keys, min_size=1, max_size=30))
def test_a_removed_key_is_in_no_set_and_the_others_are(added: list[int]) -> None:
    sets: Generations = ()
    for key in added:
        sets = SMALL.add(sets, key)
    without = SMALL.remove(sets, added[0])

    assert not SMALL.has(without, added[0])
    others = [key for key in added if key % 2**32 != added[0] % 2**32]
    assert [SMALL.has(without, key) for key in others] == [SMALL.has(sets, key) for key in others]
    assert all(len(each) for each in without)


@given(st.lists(keys, max_size=30))
def test_sets_come_back_from_their_bytes(added: list[int]) -> None:
    plan = FingerprintSets(bits=26, size=10, limit=4)
    sets: Generations = ()
    for key in added:
        sets = plan.add(sets, key)
    packed = plan.pack(sets)

    back, end = plan.unpack(b"before" + packed + b"after", 6)

    assert end == 6 + len(packed)
    assert [each.tolist() for each in back] == [each.tolist() for each in sets]


def test_a_set_without_fingerprints_is_refused() -> None:
    with pytest.raises(ValueError, match="a set without fingerprints"):
        SMALL.unpack(b"\x01\x00\x00", 0)
