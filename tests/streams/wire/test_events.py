from typing import get_args

import pytest

from features.profile import weigh
from streams.wire.events import InteractionType


@pytest.mark.parametrize("kind", get_args(InteractionType))
def test_every_kind_of_interaction_says_something_about_taste(kind: InteractionType) -> None:
    assert weigh(kind, rating=4) != 0
