from typing import get_args

import pytest

from features.profile import weigh
from streams.wire.events import InteractionType


@pytest.mark.parametrize("kind", sorted({*get_args(InteractionType)} - {"search"}))
def test_every_kind_of_interaction_with_an_item_says_something_about_taste(kind: InteractionType) -> None:
    assert weigh(kind, rating=4) != 0
