from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.item import FACTS, Change, Item, apply_change, apply_upload, decay, hash_of, key_of
from features.vision.kept_picture import KeptPicture
from tests.harness.words import words

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


KEPT = KeptPicture(f"pictures/ab/{'ab' * 32}.webp", f"pictures/ab/{'ab' * 32}.320.webp", 9, 9, 9)


def test_the_words_go_when_the_item_says_others_and_stay_with_a_new_picture_or_price() -> None:
    shoe = replace(SHOE, title="Red shoe", description="Of leather", words=words("Red shoe. Of leather"))
    assert apply_change(shoe, "i1", Change(200, price=12.0)).words == shoe.words
    assert apply_change(shoe, "i1", Change(200, title="Red shoe")).words == shoe.words
    assert apply_upload(shoe, replace(SHOE, title=None, changed_at_ms=200, uploaded_at_ms=200)).words == shoe.words
    assert apply_change(shoe, "i1", Change(200, title="Blue shoe")).words is None
    assert apply_change(shoe, "i1", Change(200, cleared=("title",))).words is None
    assert apply_change(shoe, "i1", Change(200, cleared=("title", "description"))).text == ""
    assert apply_change(shoe, "i1", Change(200, deleted=True)).words is None
    assert apply_upload(shoe, replace(SHOE, changed_at_ms=200, title="Blue shoe")).words is None


def test_the_kept_picture_comes_and_goes_with_the_picture() -> None:
    shoe = replace(SHOE, kept_picture=KEPT)
    assert apply_change(shoe, "i1", Change(200, price=12.0)).kept_picture == KEPT
    assert apply_change(shoe, "i1", Change(200, disown=hash_of("u1"))).kept_picture == KEPT
    assert apply_change(shoe, "i1", Change(200, deleted=True)).kept_picture is None
    again = replace(SHOE, changed_at_ms=200, uploaded_at_ms=200)
    assert apply_upload(shoe, again).kept_picture is None
    assert apply_upload(again, shoe).kept_picture is None
    assert apply_upload(SHOE, replace(again, kept_picture=KEPT)).kept_picture == KEPT


# Changes


def values(item: Item, *names: str) -> list[Any]:
    return [getattr(item, name) for name in names]


def test_a_change_keeps_the_fields_that_it_does_not_name() -> None:
    changed = apply_change(SHOE, "i1", Change(200, price=12.0))

    assert replace(changed, times={}) == replace(SHOE, changed_at_ms=200, price=12.0)


def test_only_the_fields_with_a_time_of_their_own_name_it() -> None:
    assert apply_change(SHOE, "i1", Change(200, price=12.0)).times == {"*": 100, "price": 200}
    assert apply_change(SHOE, "i1", Change(100, price=12.0)).times == {}


def test_a_change_to_false_is_a_change() -> None:
    assert apply_change(SHOE, "i1", Change(200, in_stock=False)).in_stock is False


def test_a_change_that_is_older_than_its_field_has_no_effect() -> None:
    assert apply_change(SHOE, "i1", Change(99, price=12.0)) == SHOE


def test_a_change_that_is_older_than_one_of_its_fields_sets_the_others() -> None:
    changed = apply_change(
        apply_change(SHOE, "i1", Change(200, price=12.0)), "i1", Change(150, price=9.0, title="Boot")
    )

    assert values(changed, "price", "title", "changed_at_ms") == [12.0, "Boot", 200]


@pytest.mark.parametrize("field", [{"hidden": True}, {"deleted": True}, {"in_stock": False}, {"currency": "USD"}])
def test_a_later_time_of_another_field_does_not_hide_a_change(field: dict[str, Any]) -> None:
    priced = apply_change(SHOE, "i1", Change(2000, price=8.0))

    assert values(apply_change(priced, "i1", Change(1000, **field)), *field) == list(field.values())


def test_of_two_changes_of_one_time_the_later_in_the_log_wins() -> None:
    priced = apply_change(SHOE, "i1", Change(200, price=8.0))

    assert apply_change(priced, "i1", Change(200, price=9.0)).price == 9.0


def test_a_change_of_an_unknown_item_describes_it() -> None:
    hat = apply_change(None, "i2", Change(50, title="Hat"))

    assert hat == Item("i2", changed_at_ms=50, title="Hat", described_at_ms=50)
    assert (hat.is_described, hat.new_at_ms) == (True, 50)


def test_an_item_is_new_since_it_was_first_described_whatever_is_said_of_it_later() -> None:
    says = [Change(70, title="Hat", price=9.0), Change(50, title="Cap"), Change(60, hidden=False)]
    for first, *others in permutations(says):
        hat = reduce(lambda item, change: apply_change(item, "i2", change), others, apply_change(None, "i2", first))
        assert (hat.title, hat.new_at_ms) == ("Hat", 50)


def test_its_picture_makes_an_item_new() -> None:
    hat = apply_change(None, "i1", Change(50, title="Hat"))
    for with_picture in (apply_upload(hat, SHOE), apply_change(SHOE, "i1", Change(150, title="Hat"))):
        assert (with_picture.described_at_ms, with_picture.new_at_ms) == (None, 100)


@pytest.mark.parametrize("facts", [{"hidden": True}, {"hidden": False}, {"deleted": False}, {"disown": "hash"}])
def test_moderation_describes_nothing(facts: dict[str, Any]) -> None:
    item = apply_change(None, "i2", Change(50, **facts))

    assert (item.is_described, item.described_at_ms) == (False, None)


def test_a_deletion_takes_the_description_and_a_late_one_does_not_come_back() -> None:
    hat = apply_change(None, "i2", Change(50, title="Hat"))
    gone = apply_change(hat, "i2", Change(60, deleted=True))
    back = apply_change(gone, "i2", Change(70, deleted=False))
    late = apply_change(back, "i2", Change(65, title="Hat"))
    again = apply_change(late, "i2", Change(80, title="Cap"))

    assert [each.is_described for each in (hat, gone, back, late, again)] == [True, False, False, False, True]
    assert again.new_at_ms == 80


def test_an_item_that_an_earlier_release_stored_is_as_old_as_its_last_change() -> None:
    stored = Item("i2", changed_at_ms=50, title="Hat")

    assert (stored.is_described, stored.new_at_ms) == (True, 50)
    assert apply_change(stored, "i2", Change(90, price=5.0)).new_at_ms == 50


@pytest.mark.parametrize(
    "name", ["title", "description", "category", "price", "currency", "expires_at_ms", "attributes"]
)
def test_a_cleared_field_has_no_value_and_stays_so(name: str) -> None:
    whole = replace(
        SHOE, description="d", category="shoes", currency="EUR", expires_at_ms=900, attributes={"brand": "Acme"}
    )
    cleared = apply_change(whole, "i1", Change(200, cleared=(name,)))
    late = apply_upload(cleared, replace(whole, changed_at_ms=150, uploaded_at_ms=150))

    assert values(cleared, name) == values(late, name) == [None]
    assert late.uploaded_at_ms == 150


def test_the_own_class_of_a_picture_is_the_category_that_nobody_said_and_goes_with_the_picture() -> None:
    item = apply_upload(None, replace(SHOE, category=None, own_class=("shoes", 0.9)))
    said = apply_change(item, "i1", Change(300, category="boots"))
    taken_back = apply_change(said, "i1", Change(400, cleared=("category",)))
    other = apply_upload(said, replace(SHOE, category=None, changed_at_ms=500, uploaded_at_ms=500))

    assert [each.known_category for each in (item, said, taken_back, other)] == ["shoes", "boots", "shoes", "boots"]
    assert (other.own_class, said.own_class) == (None, ("shoes", 0.9))


def test_attributes_are_said_as_a_whole_and_have_a_time_of_their_own() -> None:
    item = apply_change(SHOE, "i1", Change(200, attributes={"brand": "Acme", "size": "42"}))
    item = apply_change(item, "i1", Change(300, price=9.0))
    late = apply_change(item, "i1", Change(150, attributes={"brand": "Zeta"}))
    newer = apply_change(late, "i1", Change(250, attributes={"brand": "Beta"}))

    assert late.attributes == {"brand": "Acme", "size": "42"}
    assert (newer.attributes, newer.times["attributes"], newer.changed_at_ms) == ({"brand": "Beta"}, 250, 300)


def test_what_cannot_be_empty_is_not_cleared() -> None:
    assert apply_change(SHOE, "i1", Change(200, cleared=("in_stock", "owner", "a field of a later release"))) == SHOE


# Deletions


def test_a_deletion_keeps_nothing_but_the_deletion() -> None:
    assert apply_change(SHOE, "i1", Change(200, deleted=True)) == Item("i1", changed_at_ms=200, deleted=True)


def test_a_deletion_takes_what_was_said_after_it_too() -> None:
    priced = apply_change(SHOE, "i1", Change(300, price=1.0))

    assert apply_change(priced, "i1", Change(200, deleted=True)) == Item("i1", changed_at_ms=200, deleted=True)


def test_a_change_after_a_deletion_does_not_restore_the_item() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))

    assert apply_change(gone, "i1", Change(300, price=1.0)) == gone


def test_an_upload_after_a_deletion_does_not_restore_the_item_and_nothing_of_it_is_kept() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))

    assert apply_upload(gone, replace(SHOE, changed_at_ms=300, uploaded_at_ms=300)) == gone


def test_a_deletion_that_was_taken_back_lets_the_item_be_uploaded_again() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))
    back = apply_change(gone, "i1", Change(300, deleted=False))
    again = apply_upload(back, replace(SHOE, changed_at_ms=400, uploaded_at_ms=400))

    assert values(back, "deleted", "restored", "title", "owner", "embeddings") == [False, True, None, None, {}]
    assert values(again, "deleted", "title", "owner", "uploaded_at_ms") == [False, "Shoe", "u1", 400]


@pytest.mark.parametrize("late", [Change(150, price=1.0), Change(200, deleted=True), Change(299, title="Boot")])
def test_what_was_said_before_a_deletion_was_taken_back_stays_gone(late: Change) -> None:
    back = apply_change(apply_change(SHOE, "i1", Change(200, deleted=True)), "i1", Change(300, deleted=False))

    assert apply_change(back, "i1", late) == back
    assert apply_upload(back, replace(SHOE, changed_at_ms=250, uploaded_at_ms=250)) == back


def test_a_deletion_does_not_show_what_was_hidden() -> None:
    hidden = apply_change(SHOE, "i1", Change(150, hidden=True))
    gone = apply_change(hidden, "i1", Change(200, deleted=True))
    back = apply_change(gone, "i1", Change(300, deleted=False))

    assert apply_upload(back, replace(SHOE, changed_at_ms=400, uploaded_at_ms=400)).hidden


def test_not_deleted_takes_nothing_from_an_item_that_is_there() -> None:
    kept = apply_change(SHOE, "i1", Change(200, deleted=False, price=12.0))

    assert replace(kept, times={}) == replace(SHOE, changed_at_ms=200, price=12.0)
    assert not kept.restored


# Uploads


def test_the_first_upload_is_the_item() -> None:
    assert apply_upload(None, SHOE) == SHOE


def test_a_new_picture_replaces_the_picture_and_what_the_upload_says() -> None:
    newer = replace(SHOE, changed_at_ms=200, uploaded_at_ms=200, title="Boot", embeddings={"e@1": b"<\0"})

    assert apply_upload(SHOE, newer) == newer


def test_an_upload_changes_what_it_says_and_nothing_else() -> None:
    before = apply_change(
        SHOE,
        "i1",
        Change(150, description="d", category="shoes", price=9.0, currency="EUR", in_stock=False, hidden=True),
    )
    bare = Item("i1", 200, "u1", 200, embeddings={"e@1": b"<\0"})
    after = apply_upload(before, bare)

    kept = (*FACTS, "hidden")
    assert values(after, *kept) == values(before, *kept)
    assert values(after, "uploaded_at_ms", "embeddings") == [200, {"e@1": b"<\0"}]


def test_an_upload_that_says_so_puts_an_item_in_stock_again() -> None:
    sold = apply_change(SHOE, "i1", Change(150, in_stock=False))

    assert apply_upload(sold, replace(SHOE, changed_at_ms=200, times={"in_stock": 200})).in_stock
    assert not apply_upload(sold, replace(SHOE, changed_at_ms=140, times={"in_stock": 140})).in_stock


def test_an_upload_cannot_hide_show_or_delete() -> None:
    hidden = apply_change(SHOE, "i1", Change(150, hidden=True))
    forged = replace(SHOE, changed_at_ms=200, deleted=True, times={"hidden": 200})

    assert values(apply_upload(hidden, forged), "hidden", "deleted") == [True, False]


def test_a_change_outlives_the_late_arrival_of_an_older_upload() -> None:
    early = apply_change(None, "i1", Change(200, price=99.0, hidden=True))
    uploaded = apply_upload(early, SHOE)

    assert replace(uploaded, times={}) == replace(SHOE, changed_at_ms=200, price=99.0, hidden=True)


def test_an_upload_from_before_a_deletion_does_not_restore_the_item() -> None:
    gone = apply_change(SHOE, "i1", Change(200, deleted=True))

    assert apply_upload(gone, SHOE) == gone


def test_an_older_picture_does_not_replace_a_newer_one() -> None:
    newer = replace(SHOE, changed_at_ms=200, uploaded_at_ms=200)

    assert apply_upload(newer, SHOE) == newer


def test_an_older_upload_sets_what_nobody_said_since() -> None:
    newer = replace(SHOE, changed_at_ms=200, uploaded_at_ms=200)
    late = apply_upload(newer, replace(SHOE, title="Boot", category="shoes", embeddings={"e@1": b"<\0"}))

    assert values(late, "title", "category", "embeddings") == ["Shoe", "shoes", SHOE.embeddings]


# Items of a release without times


def test_the_fields_of_an_item_without_times_were_said_when_it_changed() -> None:
    stored = replace(SHOE, changed_at_ms=150)

    assert apply_change(stored, "i1", Change(149, price=1.0, category="shoes")).price == 10.0
    assert apply_change(stored, "i1", Change(149, category="shoes")).category == "shoes"
    assert apply_change(stored, "i1", Change(150, price=1.0)).price == 1.0


# Whatever the order


facts = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["Shoe", "Boot"]),
        "price": st.sampled_from([5.0, 6.0]),
        "currency": st.sampled_from(["EUR", "USD"]),
        "in_stock": st.booleans(),
        "expires_at_ms": st.integers(1, 3),
        "attributes": st.sampled_from([{"brand": "Acme"}, {"size": "42"}]),
    },
)
changes = st.builds(
    lambda at_ms, given, cleared, moderation: Change(at_ms, **given, **moderation, cleared=cleared),
    st.integers(0, 20),
    facts,
    st.sampled_from([(), ("description",), ("category", "description")]),
    st.fixed_dictionaries({}, optional={"hidden": st.booleans()}),
    # What says nothing is not passed on to the item (`streams/items/changes.py`).
).filter(Change.says)
deletions = st.builds(Change, st.integers(0, 20), price=st.none() | st.just(7.0), deleted=st.booleans())
uploads = st.builds(
    lambda at_ms, given: Item(
        "i1",
        at_ms,
        f"u{at_ms}",
        at_ms + 1,
        embeddings={"e@1": bytes([at_ms, 0])},
        times={"in_stock": at_ms} if given.get("in_stock") else {},
        **given,
    ),
    st.integers(0, 20),
    facts,
)


def after(item: Item | None, said: Sequence[Change | Item]) -> Item | None:
    for each in said:
        item = apply_upload(item, each) if isinstance(each, Item) else apply_change(item, "i1", each)
    return item


def at(said: Change | Item) -> int:
    return said.at_ms if isinstance(said, Change) else said.changed_at_ms


@given(st.lists(changes | deletions | uploads, max_size=5), changes | deletions | uploads)
def test_what_is_repeated_has_no_effect(before: list[Change | Item], last: Change | Item) -> None:
    once = after(None, [*before, last])

    assert after(once, [last]) == once


@given(st.lists(changes | uploads, unique_by=at, min_size=1, max_size=8), st.data())
def test_in_any_order_and_however_often_an_item_is_what_the_log_says(
    said: list[Change | Item], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(said), max_size=8))
    mixed = data.draw(st.permutations([*said, *again]))
    in_order = sorted(said, key=at)
    item = after(None, mixed)

    assert item == after(None, in_order)
    for name in (*FACTS, "hidden"):
        words = [each for each in in_order if says(each, name)]
        expected = getattr(words[-1], name) if words else getattr(Item("i1", 0), name)
        assert getattr(item, name) == expected


def says(said: Change | Item, name: str) -> bool:
    """Whether this change or upload says something of a field, by the words of the contract."""
    if isinstance(said, Change):
        return getattr(said, name) is not None or name in said.cleared
    return name in said.times or getattr(said, name) != getattr(Item("i1", 0), name)


@given(st.lists(changes | deletions, unique_by=at, min_size=1, max_size=8), st.data())
def test_changes_that_are_sent_again_from_any_place_on_lead_to_the_same_item(
    said: list[Change], data: st.DataObject
) -> None:
    said = sorted(said, key=at)
    item, start = None, 0
    for end in data.draw(st.lists(st.integers(0, len(said)), max_size=3)):
        item = after(item, said[start : max(start, end)])
        start = data.draw(st.integers(0, max(start, end)))

    assert after(item, said[start:]) == after(None, said)


# Owners


def test_a_disowned_item_stays_as_it_is_without_its_owner() -> None:
    known = Item("i1", 50, "u1", uploaded_at_ms=50, title="Shoe")
    assert apply_change(known, "i1", Change(7, disown=hash_of("u1"))) == replace(known, owner=None)


def test_an_item_of_another_user_is_not_disowned() -> None:
    known = Item("i1", 50, "u2", uploaded_at_ms=50)
    assert apply_change(known, "i1", Change(70, disown=hash_of("u1"))) is known


def test_an_item_disowned_before_its_upload_accepts_the_upload() -> None:
    uploaded = Item("i1", 50, "u1", uploaded_at_ms=50)
    assert apply_upload(apply_change(None, "i1", Change(70, disown=hash_of("u1"))), uploaded) == uploaded


@given(st.lists(changes | uploads, max_size=4), st.lists(uploads, max_size=3))
def test_of_a_deleted_item_no_owner_is_kept(before: list[Change | Item], later: list[Item]) -> None:
    gone = after(None, [*before, Change(10, deleted=True), *later])

    assert gone is not None
    assert values(gone, "owner", "embeddings", "title") == [None, {}, None]
