"""A tuned network and the map of its features, as one: what pictures are embedded by."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from inference.encoders.export import Encoder, classifier_weights, joined_and_pooled
from inference.encoders.look.fit import Labelled, Layout, Recipe, fit
from inference.encoders.look.projection import Matrix, Projection, Weights
from inference.encoders.tuning.course import Watching, tune
from inference.encoders.tuning.network import replace_weights
from inference.encoders.tuning.training import Course

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Tuner:
    """Tunes `encoder` on sets of pictures with pixels, and fits the map on what the tuned network says of them.

    `layout` is that of the encoder's features, `recipe` that of the map.
    """

    encoder: Encoder
    layout: Layout
    recipe: Recipe
    course: Course
    seed: int
    watching: Watching

    def fit(self, sets: Sequence[Labelled]) -> Projection:
        """The map, with the weights of its network; raises what `tune` does."""
        weights = tune(self.encoder, sets, self.course, seed=self.seed, watching=self.watching)
        network = self._network(weights)
        again = [described(network, each) for each in sets]
        return replace(fit(again, classifier_weights(self.encoder), self.layout, self.recipe), weights=weights)

    def embed(self, projection: Projection, pictures: Labelled) -> Matrix:
        """Unit embeddings, float32 [n, D], of pictures with pixels by such a map."""
        found = described(self._network(projection.weights), pictures)
        return projection.embed(found.features, found.pooled)

    def _network(self, weights: Weights) -> Encoder:
        encoder = deepcopy(self.encoder)
        replace_weights(encoder.network, weights)
        return encoder


def described(encoder: Encoder, pictures: Labelled) -> Labelled:
    """The pictures with the features that this network finds in their pixels; raises ValueError without these."""
    if pictures.pixels is None:
        raise ValueError("a tuned network reads pixels, and these pictures have none")
    starts = range(0, len(pictures.pixels), _BATCH)
    parts = [joined_and_pooled(encoder, pictures.pixels[start : start + _BATCH]) for start in starts]
    features, pooled = (np.concatenate(each) for each in zip(*parts, strict=True))
    return replace(pictures, features=features, pooled=pooled)
