import pytest

from inference.ranking.ranker import Ranker, label
from inference.ranking.ranking import WeightedRanker
from inference.ranking.similar import SimilarRanker


@pytest.mark.parametrize(("ranker", "named"), [(WeightedRanker(), "weighted@2"), (SimilarRanker(), "similar@1")])
def test_lists_name_their_ranker_and_its_version(ranker: Ranker, named: str) -> None:
    assert label(ranker) == named
