import pytest

from features.item import key_of
from features.profile import NEW, Action
from inference.catalog.catalog import Catalog
from inference.ranking.ranking import WeightedRanker, rank
from inference.retrieval.candidates import generate_candidates
from inference.retrieval.query import Query
from inference.retrieval.sources.trained import propose
from inference.sequence.space import SequenceSpace
from tests.harness.catalog import MINUTE, NOW, act, profile_of, without_picture
from tests.harness.lists import catalog_of, names, query_of, slot_of
from tests.harness.sequences import next_of

FOLLOWERS = {"red_0": "red-1", "red_1": "red-2", "blue_0": "blue-1"}


@pytest.fixture
def catalog() -> Catalog:
    every = ("red-0", "red-1", "red-2", "blue-0", "blue-1", "new-0")
    return catalog_of(*((name, without_picture(name)) for name in every))


def query(catalog: Catalog, *users: list[Action]) -> Query:
    profiles = [profile_of(*actions) if actions else NEW for actions in users]
    space = SequenceSpace(catalog, next_of(**FOLLOWERS))
    return query_of(catalog, profiles, [key_of(f"u{user}") for user in range(len(users))], sequence=space)


def first(catalog: Catalog, *users: list[Action]) -> list[str | None]:
    found = propose("sequence", query(catalog, *users))
    return [catalog.item_ids[int(rows[0])] if len(rows) else None for rows in found.rows]


def test_what_follows_the_last_choice_comes_first(catalog: Catalog) -> None:
    both = [act("red-1", at_ms=NOW), act("blue-0", at_ms=NOW + MINUTE)]
    assert first(catalog, [act("red-0")], both, both[::-1]) == ["red-1", "blue-1", "red-2"]


def test_nothing_is_proposed_to_whom_nothing_is_known_of(catalog: Catalog) -> None:
    assert first(catalog, [], [act("new-0")]) == [None, None]


def test_what_was_chosen_is_not_proposed_again(catalog: Catalog) -> None:
    (rows,) = propose("sequence", query(catalog, [act("red-0"), act("red-1")])).rows
    assert {catalog.item_ids[row] for row in rows.tolist()} == {"red-2", "blue-0", "blue-1"}


def test_without_a_model_nothing_is_proposed(catalog: Catalog) -> None:
    without = query_of(catalog, [profile_of(act("red-0"))], [key_of("u1")])
    assert [len(rows) for rows in propose("sequence", without).rows] == [0]


def test_the_reason_names_the_last_choice(catalog: Catalog) -> None:
    asked = query(catalog, [act("red-1", at_ms=NOW), act("blue-0", at_ms=NOW + MINUTE)])
    candidates = generate_candidates(asked)
    (ranking,) = rank(WeightedRanker(), asked, candidates, length=10)
    reasons = {each.code: each for each in slot_of(ranking, "blue-1").reasons}

    assert names(catalog, candidates, "sequence") >= {"blue-1"}
    assert (reasons["likely_next"].item_id, reasons["likely_next"].strength) == ("blue-0", 1.0)
