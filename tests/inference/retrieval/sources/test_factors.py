import numpy as np
import pytest

from features.item import key_of
from features.profile import NEW, Action
from inference.catalog.catalog import Catalog
from inference.factors.space import FactorSpace
from inference.ranking.ranking import WeightedRanker, rank
from inference.ranking.signals import find_signals
from inference.ranking.weights import SUITS_TASTE
from inference.retrieval.candidates import generate_candidates
from inference.retrieval.query import Query
from inference.retrieval.sources.trained import propose
from inference.trained.source import PROPOSED_COUNT
from tests.harness.catalog import act, profile_of, without_picture
from tests.harness.factors import factors_of
from tests.harness.lists import catalog_of, names, query_of, slot_of

#: Two tastes; what lies on the axis of a taste suits it, the more the longer it is.
TASTES = {"red": (1.0, 0.0), "blue": (0.0, 1.0)}
VECTORS = {f"{name}-{n}": (x * (1 - n / 20), y * (1 - n / 20)) for name, (x, y) in TASTES.items() for n in range(6)}


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*((name, without_picture(name)) for name in [*VECTORS, "new-0"]))


@pytest.fixture
def space(catalog: Catalog) -> FactorSpace:
    return FactorSpace(catalog, factors_of(VECTORS))


def query(catalog: Catalog, space: FactorSpace, *users: list[Action]) -> Query:
    profiles = [profile_of(*actions) if actions else NEW for actions in users]
    return query_of(catalog, profiles, [key_of(f"u{user}") for user in range(len(users))], space=space)


def proposed(catalog: Catalog, space: FactorSpace, *users: list[Action]) -> list[list[str]]:
    found = propose("factors", query(catalog, space, *users))
    return [[catalog.item_ids[row] for row in rows.tolist()] for rows in found.rows]


def test_what_suits_the_taste_is_proposed_the_best_first(catalog: Catalog, space: FactorSpace) -> None:
    found = proposed(catalog, space, [act("red-1")], [act("blue-0"), act("blue-2")])

    assert found == [["red-0", "red-2", "red-3", "red-4", "red-5"], ["blue-1", "blue-3", "blue-4", "blue-5"]]


def test_nothing_is_proposed_to_whom_nothing_is_known_of(catalog: Catalog, space: FactorSpace) -> None:
    assert proposed(catalog, space, [], [act("new-0")]) == [[], []]


def test_without_factors_nothing_is_proposed(catalog: Catalog) -> None:
    (rows,) = propose("factors", query_of(catalog, [profile_of(act("red-1"))], [1])).rows

    assert len(rows) == 0


def test_an_item_that_is_newer_than_the_factors_is_not_proposed(catalog: Catalog, space: FactorSpace) -> None:
    assert "new-0" not in proposed(catalog, space, [act("red-1"), act("blue-1")])[0]


def test_no_more_than_some_are_proposed() -> None:
    many = {f"red-{n}": (1.0, 0.0) for n in range(PROPOSED_COUNT + 20)}
    catalog = catalog_of(*((name, without_picture(name)) for name in many))
    (found,) = proposed(catalog, FactorSpace(catalog, factors_of(many)), [act("red-1")])

    assert len(found) == PROPOSED_COUNT


def test_candidates_of_all_sources_have_the_signal(catalog: Catalog, space: FactorSpace) -> None:
    asked = query(catalog, space, [act("red-1")])
    found = generate_candidates(asked)
    signals = dict(zip(found.rows.tolist(), find_signals(asked, found)[SUITS_TASTE].tolist(), strict=True))
    best, worst, other, new = (signals[catalog.row_of(name) or 0] for name in ("red-0", "red-5", "blue-1", "new-0"))

    assert names(catalog, found, "factors") == {f"red-{n}" for n in (0, 2, 3, 4, 5)}
    assert 1 >= best > worst > 0
    assert (other, new) == (0, 0)


def test_the_reason_names_the_item_that_says_most_for_it(catalog: Catalog, space: FactorSpace) -> None:
    asked = query(catalog, space, [act("red-1"), act("blue-1")], [act("blue-3")])
    lists = rank(WeightedRanker(), asked, generate_candidates(asked), length=8)
    reasons = [
        next(each for each in slot_of(made, name).reasons if each.code == "suits_taste")
        for made, name in zip(lists, ("red-0", "blue-0"), strict=True)
    ]

    assert [reason.item_id for reason in reasons] == ["red-1", "blue-3"]
    assert all(0 < (reason.strength or 0) <= 1 for reason in reasons)


def test_users_together_have_the_same_factors_as_alone(catalog: Catalog, space: FactorSpace) -> None:
    users = [[act("red-1")], [act("blue-0"), act("red-2"), act("new-0")], []]
    together, *alone = (query(catalog, space, *each) for each in (users, *([user] for user in users)))
    rows, bounds = np.arange(len(catalog.item_ids)), np.array([0, len(catalog.item_ids)])
    every = together.trained["factors"].strengths(np.tile(rows, 3), np.arange(4) * len(rows))

    for strengths, each in zip(np.split(every, 3), alone, strict=True):
        assert np.array_equal(strengths, each.trained["factors"].strengths(rows, bounds))
