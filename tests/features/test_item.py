from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.item import Change, Item, apply_change, apply_upload, decay, hash_of, key_of

SHOE = Item(
    "i1", changed_at_ms=100, owner="u1", uploaded_at_ms=100, title="Shoe", price=10.0, embeddings={"e@1": b"\0<"}
)


def test_a_key_is_the_same_in_every_process() -> None:
    assert key_of("u1") == 15378189911849802130


def test_different_ids_have_different_keys() -> None:
    assert len({key_of(f"item-{n}") for n in range(10_000)}) == 10_000


@given(st.integers(-(2**62), 2**62), st.integers(1, 10**12))
def test_decay_is_between_0_and_1_even_for_negative_ages(age_ms: int, half_life_ms: int) -> None:
    assert 0.0 <= decay(age_ms, half_life_ms) <= 1.0


def test_a_vector_is_float32() -> None:
    item = replace(SHOE, embeddings={"e@1": np.array([0.6, 0.8], "<f2").tobytes(), "words@1": b"\0<"})

    assert item.vector("e@1").dtype == np.float32
    np.testing.assert_allclose(item.vector("e@1"), [0.6, 0.8], atol=1e-3)


def test_an_item_without_a_picture_has_no_vector() -> None:
    with pytest.raises(ValueError, match="'i1' has no embedding of encoder 'e@1' yet"):
        replace(SHOE, embeddings={}).vector("e@1")


# Changes


def test_a_change_keeps_the_fields_that_it_does_not_name() -> None:
    assert apply_change(SHOE, "i1", Change(200, price=12.0)) == replace(SHOE, changed_at_ms=200, price=12.0)


def test_a_change_to_false_is_a_change() -> None:
    assert apply_change(SHOE, "i1", Change(200, in_stock=False)).in_stock is False


def test_an_older_change_has_no_effect() -> None:
    assert apply_change(SHOE, "i1", Change(99, price=12.0)) == SHOE


def test_a_change_of_an_unknown_item_is_kept_for_its_picture() -> None:
    assert apply_change(None, "i2", Change(50, title="Hat")) == Item("i2", changed_at_ms=50, title="Hat")


def test_a_deletion_keeps_nothing_but_the_deletion() -> None:
    assert apply_change(SHOE, "i1", Change(200, deleted=True)) == Item("i1", changed_at_ms=200, deleted=True)


def test_a_change_after_a_deletion_does_not_restore_the_item() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))

    assert apply_change(gone, "i1", Change(300, price=1.0)).deleted


def test_deleted_false_revokes_a_deletion() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))

    assert not apply_change(gone, "i1", Change(300, deleted=False)).deleted


# Uploads


def test_the_first_upload_is_the_item() -> None:
    assert apply_upload(None, SHOE) == SHOE


def test_a_new_picture_replaces_the_item() -> None:
    newer = replace(SHOE, changed_at_ms=200, uploaded_at_ms=200, title="Boot", embeddings={"e@1": b"<\0"})

    assert apply_upload(SHOE, newer) == newer


def test_a_change_outlives_the_late_arrival_of_an_older_upload() -> None:
    early = apply_change(None, "i1", Change(200, price=99.0, hidden=True))

    assert apply_upload(early, SHOE) == replace(SHOE, changed_at_ms=200, price=99.0, hidden=True)


def test_an_upload_from_before_a_deletion_does_not_restore_the_item() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))

    assert apply_upload(gone, SHOE) == gone


def test_an_upload_after_a_deletion_restores_the_item() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))
    again = replace(SHOE, changed_at_ms=300, uploaded_at_ms=300)

    assert apply_upload(gone, again) == again


def test_an_older_picture_does_not_replace_a_newer_one() -> None:
    newer = replace(SHOE, changed_at_ms=200, uploaded_at_ms=200)

    assert apply_upload(newer, SHOE) == newer


changes = st.builds(
    Change,
    at_ms=st.integers(0, 20),
    price=st.none() | st.just(5.0),
    hidden=st.none() | st.booleans(),
    deleted=st.none() | st.booleans(),
)


@given(st.lists(changes, max_size=5), changes)
def test_a_repeated_change_has_no_effect(before: list[Change], change: Change) -> None:
    item = None
    for each in before:
        item = apply_change(item, "i1", each)
    once = apply_change(item, "i1", change)

    assert apply_change(once, "i1", change) == once


@given(st.lists(changes, max_size=5), st.integers(0, 20))
def test_a_repeated_upload_has_no_effect(before: list[Change], at_ms: int) -> None:
    item = None
    for each in before:
        item = apply_change(item, "i1", each)
    upload = replace(SHOE, changed_at_ms=at_ms, uploaded_at_ms=at_ms)
    once = apply_upload(item, upload)

    assert apply_upload(once, upload) == once


def test_a_disowned_item_stays_as_it_is_without_its_owner() -> None:
    known = Item("i1", 50, "u1", uploaded_at_ms=50, title="Shoe")
    assert apply_change(known, "i1", Change(7, disown=hash_of("u1"))) == replace(known, owner=None)


def test_an_item_of_another_user_is_not_disowned() -> None:
    known = Item("i1", 50, "u2", uploaded_at_ms=50)
    assert apply_change(known, "i1", Change(70, disown=hash_of("u1"))) is known


def test_an_item_disowned_before_its_upload_accepts_the_upload() -> None:
    uploaded = Item("i1", 50, "u1", uploaded_at_ms=50)
    assert apply_upload(apply_change(None, "i1", Change(70, disown=hash_of("u1"))), uploaded) is uploaded
