"""A tuned network and its map: one file, and what embeds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.encoders.look.fit import Recipe
from inference.encoders.look.projection import read_projection, write_projection
from inference.encoders.tuning.course import Watching
from inference.encoders.tuning.fitting import Tuner, described
from inference.encoders.tuning.network import replace_weights, tuned_parameters
from inference.encoders.tuning.training import Course
from tests.harness.tiny_network import LAYOUT, stripes, tiny_encoder


def test_a_tuned_network_is_written_with_its_map_and_embeds_as_before(tmp_path: Path) -> None:
    tuner = Tuner(
        tiny_encoder(), LAYOUT, Recipe(), Course(rounds=1, least=5, batch=8, rate=1e-2), 0, Watching(tmp_path)
    )
    pictures = described(tuner.encoder, stripes())
    fitted = tuner.fit([pictures])
    write_projection(fitted, tmp_path / "map.npz")
    read = read_projection(tmp_path / "map.npz")

    assert fitted.weights.keys() == tuned_parameters(tuner.encoder.network).keys()
    embedded = tuner.embed(read, pictures)
    np.testing.assert_allclose(embedded, tuner.embed(fitted, pictures), atol=5e-3)
    assert np.abs(embedded - fitted.embed(pictures.features, pictures.pooled)).max() > 1e-4  # not the network as it was


def test_what_is_tuned_are_the_later_convolutions() -> None:
    assert [*tuned_parameters(tiny_encoder().network)] == [
        *(f"blocks.{number}.0.weight" for number in (3, 4, 5, 6)),
        "conv_head.weight",
    ]


def test_weights_of_another_network_are_refused() -> None:
    network = tiny_encoder().network
    weights = {name: each.detach().numpy().astype(np.float16) for name, each in tuned_parameters(network).items()}
    name = "blocks.3.0.weight"
    wrong: list[tuple[dict[str, NDArray[Any]], str]] = [
        ({name: weights[name]}, "1 weights, of which 1 are known"),
        ({**weights, name: weights[name][:2]}, "blocks.3.0.weight is float16"),
        ({**weights, name: weights[name].astype(np.float64)}, "is float64"),
        ({**weights, name: np.full_like(weights[name], np.nan)}, "finite float16"),
    ]
    for bad, says in wrong:
        with pytest.raises(ValueError, match=says):
            replace_weights(network, bad)


def test_pictures_without_pixels_cannot_be_described() -> None:
    with pytest.raises(ValueError, match="reads pixels"):
        described(tiny_encoder(), replace(stripes(), pixels=None))
