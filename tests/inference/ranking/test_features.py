from features.profile import IMPRESSION
from inference.ranking.features import FEATURES, find_features
from inference.ranking.signals import find_signals
from inference.retrieval.candidates import generate_candidates
from tests.harness.catalog import act, reds_and_blues
from tests.harness.lists import catalog_of, query_after


def known(*actions: tuple[str, float]) -> float:
    """How much is known of a user after some actions, as a ranker sees it."""
    query = query_after(catalog_of(*reds_and_blues(8)), *(act(name, weight) for name, weight in actions))
    candidates = generate_candidates(query)
    features = find_features(query, candidates, find_signals(query, candidates))
    return float(features[0, FEATURES.index("user: known")])


def test_what_a_user_chose_is_known_and_what_was_only_shown_is_not() -> None:
    assert known() == known(("red-0", IMPRESSION), ("red-1", IMPRESSION)) == 0
    assert 0 < known(("red-2", 1.0)) == known(("red-0", IMPRESSION), ("red-2", 1.0))
    assert known(("red-2", 1.0)) < known(("red-2", 1.0), ("blue-2", 2.0))
