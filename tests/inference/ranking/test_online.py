from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.ranking.features import FEATURES, SIGNAL_OF, find_features
from inference.ranking.model import RankerModel
from inference.ranking.net import HIDDEN, SIZE, initial_weights
from inference.ranking.online import OnlineRanker
from inference.ranking.ranking import WeightedRanker, rank
from inference.ranking.signals import find_signals
from inference.ranking.weights import CHOSEN_AFTER, CODES, SCORE_WEIGHTS
from inference.recommender import Recommender
from inference.retrieval.candidates import Candidates, generate_candidates
from inference.retrieval.query import Query
from tests.harness.catalog import act, reds_and_blues
from tests.harness.lists import catalog_of, chosen_after, query_after


def some_query() -> Query:
    return query_after(
        catalog_of(*reds_and_blues(12)),
        act("red-0"),
        act("blue-1"),
        act("blue-2", -3.0),
        behaviours={"red-0": chosen_after(blue_3=8.0, red_5=2.0)},
        trends={"blue-4": (9.0, 9.0), "red-7": (3.0, 1.0)},
        dials={"red-9": 0.5, "blue-9": -0.5},
    )


def trained() -> RankerModel:
    """A model whose net says something."""
    return RankerModel(3, net=np.random.RandomState(1).normal(0, 0.3, SIZE).astype(np.float32))


def feature(query: Query, candidates: Candidates, name: str, item: str) -> float:
    features = find_features(query, candidates, find_signals(query, candidates))
    row = candidates.rows.tolist().index(query.catalog.row_of(item))
    return float(features[row, FEATURES.index(name)])


def test_a_model_that_has_learned_nothing_makes_the_lists_of_the_hand_weights() -> None:
    query = some_query()
    candidates = generate_candidates(query)
    fresh, hand = OnlineRanker(RankerModel()), WeightedRanker()

    assert fresh.score(query, candidates).scores.tolist() == hand.score(query, candidates).scores.tolist()
    assert rank(fresh, query, candidates, length=10) == rank(hand, query, candidates, length=10)


def test_a_model_that_has_learned_something_makes_other_lists() -> None:
    query = some_query()
    candidates = generate_candidates(query)

    assert rank(OnlineRanker(trained()), query, candidates, length=10) != rank(
        WeightedRanker(), query, candidates, length=10
    )


def test_a_recommender_takes_a_model_between_two_batches_and_gives_it_back() -> None:
    recommender = Recommender(Catalog(2), length=10)
    named = []
    for model in (None, trained(), None):
        recommender.apply_model(model)
        named.append(recommender.model["ranker"])

    assert named == ["weighted@2", "online@3", "weighted@2"]


def test_what_the_signals_add_and_the_rest_make_the_score() -> None:
    query, model = some_query(), trained()
    candidates = generate_candidates(query)
    ranker = OnlineRanker(model)
    scored = ranker.score(query, candidates)
    places = np.arange(len(candidates.rows))
    rest = unnamed(scored.features, model.net)

    assert ranker.contributions(scored, places).sum(axis=0) + rest == pytest.approx(scored.scores, abs=1e-4)


def unnamed(features: NDArray[np.float32], net: NDArray[np.float32]) -> NDArray[np.float32]:
    """What features without a signal, and the biases, add to the scores."""
    linear, bias, out = net[: len(FEATURES)], net[len(FEATURES) :][:HIDDEN], net[len(FEATURES) + HIDDEN :][:HIDDEN]
    hidden = net[len(FEATURES) + 2 * HIDDEN :].reshape(len(FEATURES), HIDDEN)
    active = features @ hidden + bias > 0
    slopes = linear + (active * out) @ hidden.T
    found: NDArray[np.float32] = (features * slopes)[:, SIGNAL_OF < 0].sum(axis=1) + (active * out * bias).sum(axis=1)
    return found


def test_the_hand_weights_add_each_signal_by_its_weight() -> None:
    query = some_query()
    candidates = generate_candidates(query)
    ranker = WeightedRanker()
    scored = ranker.score(query, candidates)
    shares = ranker.contributions(scored, np.array([2]))

    assert shares[:, 0].tolist() == (scored.signals[:, 2] * SCORE_WEIGHTS).tolist()


def test_a_reason_follows_from_what_the_model_makes_of_a_signal() -> None:
    query = some_query()
    candidates = generate_candidates(query)
    net = initial_weights()
    net[CHOSEN_AFTER] = 100
    (ranking,) = rank(OnlineRanker(RankerModel(1, net=net)), query, candidates, length=10)

    assert [[reason.code for reason in slot.reasons] for slot in ranking.items[:2]] == [["chosen_after"]] * 2


def test_the_strongest_of_a_list_has_the_first_rank_and_what_has_no_strength_has_none() -> None:
    query = some_query()
    candidates = generate_candidates(query)
    ranks = [feature(query, candidates, "chosen_after: rank", item) for item in ("blue-3", "red-5", "red-6")]

    assert ranks == [1.0, pytest.approx(0.9, abs=0.001), 0.0]


def test_a_candidate_is_of_the_sources_that_proposed_it() -> None:
    query = some_query()
    candidates = generate_candidates(query)
    names = ("visual", "neighbours", "trending")

    assert [feature(query, candidates, f"from {name}", "red-5") for name in names] == [1.0, 1.0, 0.0]
    assert [feature(query, candidates, f"from {name}", "red-7") for name in names] == [1.0, 0.0, 1.0]


def test_every_signal_is_a_feature_in_the_same_order() -> None:
    assert FEATURES[: len(CODES)] == CODES


def test_the_order_of_candidates_changes_no_score() -> None:
    query = some_query()
    candidates = generate_candidates(query)
    order = np.random.RandomState(2).permutation(len(candidates.rows))
    columns = ("users", "rows", "sources", "strengths", "origins", "proposers")
    moved = replace(
        candidates,
        wishes=candidates.wishes.of(order),
        **{name: getattr(candidates, name)[order] for name in columns},
    )
    ranker = OnlineRanker(trained())

    assert ranker.score(query, moved).scores.tolist() == ranker.score(query, candidates).scores[order].tolist()
