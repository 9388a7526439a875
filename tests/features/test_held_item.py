"""Items that the gate holds, and a person's yes, in every order."""

from dataclasses import replace
from itertools import permutations

from features.item import Change, Item, apply_change, apply_upload

HELD = Item("i1", 100, owner="u1", uploaded_at_ms=100, embeddings={"e@1": b"\0<"}, faults=("blur",), held=("blur",))
CLEAR = replace(HELD, changed_at_ms=200, uploaded_at_ms=200, faults=(), held=())
YES = Change(150, allowed=True)


def test_a_held_item_waits_for_a_yes() -> None:
    assert HELD.is_held
    assert not apply_change(HELD, "i1", YES).is_held
    assert apply_change(apply_change(HELD, "i1", YES), "i1", Change(160, allowed=False)).is_held


def test_a_yes_is_for_the_pictures_before_it() -> None:
    later = replace(HELD, changed_at_ms=200, uploaded_at_ms=200)
    assert apply_upload(apply_change(HELD, "i1", YES), later).is_held
    assert not apply_change(apply_upload(HELD, later), "i1", Change(200, allowed=True)).is_held


def test_another_picture_without_fault_needs_no_yes() -> None:
    assert not apply_upload(HELD, CLEAR).is_held


def test_a_held_item_that_is_changed_is_still_held() -> None:
    changed = apply_change(HELD, "i1", Change(120, price=9.0, hidden=False))
    assert (changed.is_held, changed.price, changed.held) == (True, 9.0, ("blur",))


def test_a_deleted_item_is_held_no_more_and_one_that_comes_back_is_if_its_picture_is() -> None:
    deleted = apply_change(HELD, "i1", Change(120, deleted=True))
    assert (deleted.held, deleted.is_held) == ((), False)
    restored = apply_change(deleted, "i1", Change(130, deleted=False))
    again = apply_upload(restored, replace(HELD, changed_at_ms=140, uploaded_at_ms=140))
    assert again.is_held


def test_upload_yes_and_price_lead_to_one_item_in_every_order() -> None:
    def after(order: tuple[Item | Change, ...]) -> Item | None:
        item: Item | None = None
        for each in order:
            item = apply_upload(item, each) if isinstance(each, Item) else apply_change(item, "i1", each)
        return item

    said: list[Item | Change] = [HELD, YES, Change(120, price=9.0)]
    found = [after(order) for order in permutations(said)]
    assert all(item == found[0] for item in found)
    assert found[0] is not None
    assert not found[0].is_held


def test_a_yes_does_not_hold_for_a_later_picture_that_is_dated_back() -> None:
    allowed = apply_change(HELD, "i1", YES)
    dated_back = replace(HELD, changed_at_ms=120, uploaded_at_ms=300, embeddings={"e@1": b"\0="})
    assert apply_upload(allowed, dated_back).is_held
