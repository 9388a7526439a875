from features.behaviour import Engagement
from features.item import Change, Item
from features.trends import NO_TRENDS
from state.signals import Signals
from streams.items.reducer import ItemEffects
from streams.wire.signals import Changed, Uploaded

NOON = 1_767_268_800_000
STORED = Signals(7, {3: 5}, NO_TRENDS, {"i1": Item("i1", NOON, owner="shop", price=2.0)}, {})


def engagement(sequence: int, source: int = 3) -> Engagement:
    return Engagement(11, NOON, 1.0, (), source, sequence)


def test_a_change_is_applied_to_what_is_stored_and_to_what_came_before() -> None:
    effects = ItemEffects.on(STORED)
    effects.change(Changed("i1", Change(NOON + 1, price=3.0)))
    effects.change(Changed("i1", Change(NOON + 2, title="boots")))

    times = {"price": NOON + 1}
    assert effects.items == {"i1": Item("i1", NOON + 2, owner="shop", price=3.0, title="boots", times=times)}


def test_an_upload_makes_an_item() -> None:
    effects = ItemEffects()
    assert effects.change(Uploaded(Item("i2", NOON, owner="u1"))).owner == "u1"


def test_an_engagement_that_was_applied_before_is_passed_over() -> None:
    effects = ItemEffects.on(STORED)

    assert [effects.engage(engagement(sequence)) for sequence in (5, 6, 6)] == [False, True, False]
    assert effects.sources == {3: 6}


def test_what_is_stored_is_not_changed_by_effects() -> None:
    effects = ItemEffects.on(STORED)
    effects.engage(engagement(6))

    assert STORED.sources == {3: 5}
    assert effects.after(STORED, 8, NOON, min_users=1).sources == {3: 6}
