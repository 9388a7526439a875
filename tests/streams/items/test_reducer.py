from dataclasses import replace

import numpy as np
import pytest

from features.behaviour import Engagement
from features.co_choices.choice import LINKING, Choice, Linking, choice_of
from features.item import Change, Item, key_of
from features.profile import NEW, Profile, apply_interaction
from features.trends import NO_TRENDS
from state.signals import Signals
from streams.errors import InvalidEvent
from streams.items.reducer import ItemEffects
from streams.wire.signals import Changed, Uploaded
from tests.harness.catalog import NOW, act

NOON = 1_767_268_800_000
STORED = Signals(7, {3: 5}, NO_TRENDS, {"i1": Item("i1", NOON, owner="shop", price=2.0)}, {})


def engagement(sequence: int, source: int = 3) -> Engagement:
    return Engagement(11, NOON, 1.0, (), source, sequence)


def test_a_change_is_applied_to_what_is_stored_and_to_what_came_before() -> None:
    effects = ItemEffects.on(STORED, (0, 1))
    effects.change(Changed("i1", Change(NOON + 1, price=3.0)))
    effects.change(Changed("i1", Change(NOON + 2, title="boots")))

    expected = Item("i1", NOON + 2, owner="shop", price=3.0, title="boots", described_at_ms=NOON)
    assert effects.items == {"i1": replace(expected, times={"price": NOON + 1})}


def test_an_upload_makes_an_item() -> None:
    effects = ItemEffects()
    assert effects.change(Uploaded(Item("i2", NOON, owner="u1"))).owner == "u1"


def test_as_owner_nobody_takes_over_an_item_of_another_or_of_nobody() -> None:
    effects = ItemEffects.on(STORED, (0, 1))
    effects.change(Uploaded(Item("new", NOON, owner="ann", title="hers"), as_owner=True))
    effects.change(Changed("described", Change(NOON, title="by the shop")))

    for name in ("i1", "new", "described"):
        with pytest.raises(InvalidEvent, match="belongs to another user, or to none"):
            effects.change(Uploaded(Item(name, NOON + 9, owner="bob", title="his"), as_owner=True))
    assert [effects.items[name].title for name in ("new", "described")] == ["hers", "by the shop"]
    assert "i1" not in effects.items


@pytest.mark.parametrize(
    "before",
    [
        [Change(NOON, disown="a hash")],
        [Change(NOON, hidden=True)],
        [Change(NOON, title="by the shop"), Change(NOON + 1, deleted=True), Change(NOON + 2, deleted=False)],
    ],
    ids=["forgotten before it came", "hidden before it came", "restored"],
)
def test_as_owner_an_id_of_which_nothing_is_said_is_free(before: list[Change]) -> None:
    effects = ItemEffects()
    for change in before:
        effects.change(Changed("i2", change))
    hers = Item("i2", NOON + 9, owner="ann", uploaded_at_ms=NOON + 9, embeddings={"e@1": bytes(8)})
    assert effects.change(Uploaded(hers, as_owner=True)).owner == "ann"


def test_as_owner_a_deleted_item_is_not_free() -> None:
    effects = ItemEffects()
    effects.change(Changed("i2", Change(NOON, deleted=True)))
    with pytest.raises(InvalidEvent):
        effects.change(Uploaded(Item("i2", NOON + 9, owner="ann"), as_owner=True))


def test_an_owner_uploads_again_and_a_shop_may_replace_what_it_likes() -> None:
    effects = ItemEffects()
    effects.change(Uploaded(Item("i2", NOON, owner="ann", title="one"), as_owner=True))

    assert effects.change(Uploaded(Item("i2", NOON + 1, owner="ann", title="two"), as_owner=True)).title == "two"
    assert effects.change(Uploaded(Item("i2", NOON + 2, owner="shop", title="three"))).title == "three"


def test_an_engagement_that_was_applied_before_is_passed_over() -> None:
    effects = ItemEffects.on(STORED, (0, 1))

    assert [effects.engage(engagement(sequence)) for sequence in (5, 6, 6)] == [False, True, False]
    assert effects.sources == {3: 6}


def test_what_is_stored_is_not_changed_by_effects() -> None:
    effects = ItemEffects.on(STORED, (0, 1))
    effects.engage(engagement(6))

    assert STORED.sources == {3: 5}
    assert effects.after(STORED, 8, NOON, min_users=1).sources == {3: 6}


# Choices


def neighbours(effects: ItemEffects, item: int) -> dict[int, float]:
    effects.link()
    return {int(entry["item"]): float(entry["weight"]) for entry in effects.behaviours[item].neighbours}


def test_every_item_in_the_window_learns_in_both_directions() -> None:
    effects = ItemEffects()
    effects.choose(Choice(9, NOON, 1.0, (8, 7), 0, 0), LINKING)

    assert neighbours(effects, 9) == {8: pytest.approx(0.7), 7: pytest.approx(0.56)}
    assert neighbours(effects, 8) == {9: pytest.approx(1.0)}
    assert neighbours(effects, 7) == {9: pytest.approx(0.8)}
    assert [effects.behaviours[item].popular for item in (9, 8, 7)] == [1.0, 0.0, 0.0]


def test_weights_of_links_are_those_of_the_message() -> None:
    effects = ItemEffects()
    effects.choose(Choice(9, NOON, 1.0, (8, 7), 0, 0), Linking(2, per_step=0.5, backwards=0.0))

    assert neighbours(effects, 9) == {8: 0.0, 7: 0.0}
    assert neighbours(effects, 7) == {9: 0.5}


def test_a_partition_applies_a_choice_to_its_own_items_alone() -> None:
    choice = Choice(9, NOON, 1.0, (8, 7, 6), 0, 0)
    even, odd = (ItemEffects((partition, 2)) for partition in range(2))
    even.choose(choice, LINKING)
    odd.choose(choice, LINKING)

    even.link()
    odd.link()
    assert [set(each.behaviours) for each in (even, odd)] == [{8, 6}, {9, 7}]


def test_a_choice_published_twice_counts_once_in_each_partition() -> None:
    choice = Choice(9, NOON, 1.0, (8,), 0, 4)
    effects = [ItemEffects((partition, 2)) for partition in range(2)]

    assert [each.choose(choice, LINKING) for each in effects for _ in range(2)] == [True, False, True, False]
    assert neighbours(effects[0], 8) == {9: 1.0}


def test_what_the_release_before_published_of_an_event_is_recognised() -> None:
    effects = ItemEffects()
    effects.engage(Engagement(9, NOON, 1.0, ((8, 0.7),), 0, 2 * 5))
    effects.engage(Engagement(8, NOON, 0.0, ((9, 1.0),), 0, 2 * 5 + 1))

    assert not effects.choose(Choice(9, NOON, 1.0, (8,), 0, 2 * 5), LINKING)
    assert neighbours(effects, 9) == {8: pytest.approx(0.7)}


def test_many_choices_linked_at_once_give_what_one_after_another_gives() -> None:
    choices = [Choice(n % 90, NOON + 1000 * n, 1.0, ((n * 7 + 1) % 90, (n * 11 + 2) % 90), 0, n) for n in range(4000)]
    at_once, singly = ItemEffects(), ItemEffects()
    for each in choices:
        at_once.choose(each, LINKING)
        singly.choose(each, LINKING)
        singly.link()
    at_once.link()

    assert at_once.behaviours.keys() == singly.behaviours.keys()
    for item, behaviour in singly.behaviours.items():
        assert at_once.behaviours[item].neighbours.tobytes() == behaviour.neighbours.tobytes()


# A checkerboard: even shoppers choose even items, odd ones odd items


def test_in_a_checkerboard_world_every_neighbour_is_of_the_same_colour() -> None:
    effects = ItemEffects()
    offset = 0
    for shopper in range(20):
        profile: Profile = NEW
        for step in range(8):
            number = (3 * shopper + 2 * step) % 16 // 2 * 2 + shopper % 2
            action = act(f"field-{number}", at_ms=NOW + offset, event=f"{shopper}/{step}")
            effects.choose(choice_of(profile, action, source=0, offset=offset), LINKING)
            profile = apply_interaction(profile, action).profile
            offset += 1
    effects.link()
    behaviours = effects.behaviours

    numbers = {key_of(f"field-{number}"): number for number in range(16)}
    assert len(behaviours) == 16
    for key, behaviour in behaviours.items():
        followers = {numbers[int(neighbour)] for neighbour in behaviour.neighbours["item"]}
        assert len(followers) >= 3
        assert {number % 2 for number in followers} == {numbers[key] % 2}
        assert np.isin(behaviour.neighbours["item"], list(numbers)).all()
