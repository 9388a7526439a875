"""Latent factors whose right answers are obvious: items lie on axes, and a user's taste is that of the items."""

from collections.abc import Mapping

import numpy as np

from features.item import key_of
from inference.factors.file import Factors


def factors_of(vectors: Mapping[str, tuple[float, ...]], *, regularization: float = 0.1) -> Factors:
    """The factors of items by name; `red_0` stands for red-0."""
    keys = np.array([key_of(name.replace("_", "-")) for name in vectors], np.uint64)
    return Factors.of(keys, np.array([*vectors.values()], np.float32), regularization)
