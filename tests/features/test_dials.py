import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.dials import NEVERS_LIMIT, NO_DIALS, turn, weights_of
from features.item import key_of
from sightline_client.privacy import DIALS_LIMIT

names = st.sampled_from([f"name-{n}" for n in range(40)])
weights = st.floats(-1, 1, width=32, exclude_min=True)
requests = st.lists(st.dictionaries(names, weights, min_size=1, max_size=DIALS_LIMIT), max_size=5)


def named(dials: np.ndarray) -> list[int]:
    return [int(key) for key in dials["key"]]


def test_a_dial_that_is_set_again_has_its_new_weight_and_is_the_latest() -> None:
    dials = turn(turn(NO_DIALS, [("shoes", 0.5), ("hats", -1)]), [("shoes", -0.25)])

    assert dials.tolist() == [(key_of("hats"), -1.0), (key_of("shoes"), -0.25)]


def test_a_weight_of_0_removes_a_dial() -> None:
    dials = turn(NO_DIALS, [("shoes", 0.5), ("hats", -1)])

    assert named(turn(dials, [("shoes", 0), ("ties", -0.0)])) == [key_of("hats")]


def test_a_weight_that_rounds_to_0_removes_a_dial() -> None:
    assert len(turn(NO_DIALS, [("shoes", 1e-300)])) == 0


def test_over_the_limit_the_oldest_dials_are_dropped() -> None:
    dials = turn(NO_DIALS, [(f"name-{n}", 0.5) for n in range(DIALS_LIMIT)])
    dials = turn(dials, [("one", 1.0), ("name-1", 1.0), ("two", 1.0)])

    assert len(dials) == DIALS_LIMIT
    assert named(dials)[:1] == [key_of("name-3")]
    assert named(dials)[-3:] == [key_of("one"), key_of("name-1"), key_of("two")]


def test_what_is_never_wanted_outlives_any_number_of_other_dials() -> None:
    dials = turn(NO_DIALS, [("hats", -1.0), ("shoes", -0.9)])
    for number in range(100):
        dials = turn(dials, [(f"name-{number}", 0.5)])

    assert named(dials)[0] == key_of("hats")
    assert key_of("shoes") not in named(dials)
    assert len(dials) == 1 + DIALS_LIMIT
    assert key_of("hats") not in named(turn(dials, [("hats", 0)]))


def test_the_number_of_things_never_wanted_is_limited_too() -> None:
    dials = turn(NO_DIALS, [("ties", 0.5)])
    for number in range(NEVERS_LIMIT + 1):
        dials = turn(dials, [(f"name-{number}", -1)])

    assert named(dials)[:2] == [key_of("ties"), key_of("name-1")]
    assert len(dials) == 1 + NEVERS_LIMIT


def test_a_removed_dial_makes_room() -> None:
    dials = turn(NO_DIALS, [(f"name-{n}", 0.5) for n in range(DIALS_LIMIT)])

    assert named(turn(dials, [("name-5", 0), ("one", 1)]))[:1] == [key_of("name-0")]


@given(requests)
def test_the_dials_are_the_last_weights_by_name(asked: list[dict[str, float]]) -> None:
    dials, known = NO_DIALS, dict[str, float]()
    for request in asked:
        dials = turn(dials, list(request.items()))
        for name in request:
            known.pop(name, None)
        known |= {name: weight for name, weight in request.items() if weight}
        known = dict(list(known.items())[-DIALS_LIMIT:])

    assert dials.tolist() == [(key_of(name), weight) for name, weight in known.items()]


@given(st.dictionaries(names, weights.filter(bool), min_size=1, max_size=DIALS_LIMIT))
def test_each_name_has_the_weight_of_its_dial_and_others_none(request: dict[str, float]) -> None:
    keys = np.array([key_of(f"name-{n}") for n in range(40)] + [0, 2**64 - 1], np.uint64)
    found = weights_of(turn(NO_DIALS, list(request.items())), keys)

    assert found.tolist() == [request.get(f"name-{n}", 0.0) for n in range(40)] + [0.0, 0.0]
    assert found.dtype == np.float32
