import numpy as np
import pytest
from numpy.typing import NDArray

from features.vision.descriptors.fusion import Fusion
from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import PACKED_BYTES, describe, similarities
from tests.harness.words import words

CHANCE = np.random.default_rng(1)
MIX = Mix.parse("look=0.7,colour=0.3")


def picture(red: int) -> bytes:
    pixels = CHANCE.integers(0, 255, (64, 64, 3), np.uint8)
    pixels[..., 0] = red
    return describe(pixels)


def looks(count: int) -> NDArray[np.float32]:
    vectors = CHANCE.normal(size=(count, 16))
    units: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return units


def packed(*pictures: bytes) -> NDArray[np.uint8]:
    return np.stack([np.frombuffer(each, np.uint8) for each in pictures])


def test_the_cosine_of_joined_vectors_is_the_weighted_mean_of_the_parts() -> None:
    embeddings, described = looks(2), packed(picture(20), picture(230))
    joined = Fusion(MIX, 16).join(embeddings, described)
    by_colour = similarities(described[0].tobytes(), described, "colour")[1]
    assert np.linalg.norm(joined, axis=1) == pytest.approx([1, 1])
    assert joined[0] @ joined[1] == pytest.approx(0.7 * embeddings[0] @ embeddings[1] + 0.3 * by_colour, abs=1e-5)


def test_a_picture_without_descriptors_is_compared_by_its_look() -> None:
    embeddings, fusion = looks(1), Fusion(MIX, 16)
    with_colour, without = fusion.join(np.repeat(embeddings, 2, 0), packed(picture(20), bytes(PACKED_BYTES)))
    assert np.linalg.norm(without) == pytest.approx(1)
    assert with_colour @ without == pytest.approx(np.sqrt(0.7), abs=1e-5)


def test_an_items_vector_has_the_dimensions_that_the_space_has() -> None:
    fusion = Fusion(Mix.parse("all"), 16)
    fused = fusion.fuse(looks(1)[0].astype("<f2").tobytes(), None)
    assert len(fused) == 2 * fusion.dimensions == 2 * (16 + 156 + 118 + 160)


def test_an_item_without_a_picture_is_compared_by_its_words() -> None:
    fusion, embedding = Fusion(Mix.parse("look=0.7,words=0.3"), 16), looks(1)[0].astype("<f2").tobytes()
    both, only_words, only_look, other = (
        np.frombuffer(fusion.fuse(look, None, said), "<f2").astype(np.float32)
        for look, said in (
            (embedding, words("red shirt").vector),
            (None, words("red shirt").vector),
            (embedding, None),
            (None, words("milk").vector),
        )
    )
    assert np.linalg.norm(only_words) == pytest.approx(1, abs=1e-3)
    assert both @ only_words == pytest.approx(np.sqrt(0.3), abs=1e-3)
    assert both @ only_look == pytest.approx(np.sqrt(0.7), abs=1e-3)
    assert only_words @ only_look == only_words @ other == 0
