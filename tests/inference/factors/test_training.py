import numpy as np
import pytest

from features.item import Item, key_of
from features.profile import weigh
from features.words.item_words import DIMENSIONS, VERSION, ItemWords
from inference.errors import NothingToLearn
from inference.factors.item_map import Facts
from inference.factors.training import Choices, train_factors
from streams.wire.events import InteractionType
from tests.harness.catalog import without_picture

#: Two groups of users, each with items of its own.
GROUPS = {f"{group}{user}": {f"{group}-{(user + n) % 6}": 1.0 for n in range(4)} for group in "ab" for user in range(9)}


def learned(*events: tuple[str, str, InteractionType]) -> dict[str, dict[str, float]]:
    choices = Choices()
    for user, item, kind in events:
        choices.learn(user, item, weigh(kind))
    return choices.of_users


def test_weights_add_up_and_refusals_take_items_away() -> None:
    found = learned(
        ("u", "a", "click"),
        ("u", "a", "like"),
        ("u", "b", "like"),
        ("u", "b", "hide"),
        ("u", "c", "view"),
        ("v", "d", "dislike"),
        *((("w", "e", "purchase"),) * 9),
    )
    assert found == {"u": {"a": 3.0}, "w": {"e": 8.0}}


def test_an_item_speaks_for_those_of_the_same_users_and_not_for_others() -> None:
    factors = train_factors(GROUPS, dimensions=2, regularization=0.1)
    vectors = dict(zip(factors.keys.tolist(), factors.vectors.astype(np.float32), strict=True))
    of = {name: vectors[key_of(name)] for name in ("a-0", "a-1", "b-0")}

    speaks = {name: float(of["a-0"] @ factors.inverse @ vector) for name, vector in of.items()}

    assert speaks["a-1"] > 5 * abs(speaks["b-0"])


def test_the_same_choices_and_seed_give_the_same_factors() -> None:
    one, other = (train_factors(GROUPS, dimensions=4, seed=3) for _ in range(2))

    assert (one.vectors.tobytes(), one.keys.tobytes()) == (other.vectors.tobytes(), other.keys.tobytes())


@pytest.mark.parametrize("choices", [{}, {"u": {}}])
def test_there_is_nothing_to_train_where_nobody_chose(choices: dict[str, dict[str, float]]) -> None:
    with pytest.raises(NothingToLearn, match="nothing to train"):
        train_factors(choices)


#: Users of two tastes and the items of each, of which the words say the taste.
RANDOM = np.random.default_rng(1)
TASTED = {
    f"{group}{user}": {f"{group}-{item}": 1.0 for item in RANDOM.permutation(110)[:12].tolist()}
    for group in "ab"
    for user in range(150)
}


def known(*items: str) -> dict[str, Item]:
    found = {}
    for name in items:
        said = 0.1 * np.random.default_rng(key_of(name)).standard_normal(DIMENSIONS)
        said["ab".index(name[0])] = 3
        vector = (said / np.linalg.norm(said)).astype("<f2").tobytes()
        found[name] = without_picture(name, words=ItemWords(VERSION, bytes(8), vector))
    return found


def test_new_items_are_drawn_to_those_of_the_same_words() -> None:
    chosen = {item for own in TASTED.values() for item in own}
    factors = train_factors(TASTED, known(*chosen), dimensions=2, regularization=0.1)
    new = ["a-new", "b-new"]
    keys = np.array([key_of(name) for name in new], np.uint64)
    (mapped_a, mapped_b), has = factors.read(keys, Facts.of_items(new, known(*new), 0))
    own = dict(zip(factors.keys.tolist(), factors.vectors.astype(np.float32), strict=True))

    assert has.all()
    assert mapped_a @ own[key_of("a-1")] > 1.3 * mapped_b @ own[key_of("a-1")]
    assert mapped_b @ own[key_of("b-1")] > 1.3 * mapped_a @ own[key_of("b-1")]


def test_an_item_that_few_chose_is_drawn_more_to_what_is_said_of_it() -> None:
    often = {f"{user}-more": {"a-1": 1.0} for user in range(300)}
    choices = {**TASTED, "late": {"b-late": 1.0, "a-2": 1.0}, **often}
    alone = train_factors(choices, dimensions=2, regularization=0.1)
    items = known(*(item for own in choices.values() for item in own))
    drawn = train_factors(choices, items, dimensions=2, regularization=0.1)
    assert drawn.item_map is not None
    moved = {
        key: float(np.linalg.norm(after - before) / np.linalg.norm(before))
        for key, before, after in zip(alone.keys.tolist(), alone.vectors, drawn.vectors, strict=True)
    }
    assert moved[key_of("b-late")] > 2 * moved[key_of("a-1")] > 0


def test_items_of_which_nothing_is_known_have_the_factors_of_the_choices_alone() -> None:
    alone, beside = (train_factors(GROUPS, known, dimensions=2) for known in (None, {"a-0": without_picture("a-0")}))

    assert (alone.vectors.tobytes(), beside.item_map) == (beside.vectors.tobytes(), None)
