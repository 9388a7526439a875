import numpy as np
import pytest

from features.item import key_of
from features.profile import weigh
from inference.errors import NothingToLearn
from inference.factors.training import Choices, train_factors
from streams.wire.events import InteractionType

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
