import pytest

from inference.sequence.course import Trained, train
from tests.harness.sequences import ITEMS, circle


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A model of what follows what in the circle, with a picture of each item."""
    return train(circle(users=60, picture=ITEMS), seed=1)
