"""One suite for every encoder: the fake and the real one behind Triton."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.encoders.encoder import Encoder
from inference.encoders.triton import TritonEncoder
from inference.errors import BadEmbedding, EncoderUnavailable
from tests.harness.encoder import FakeEncoder


@pytest.fixture(params=["fake", pytest.param("triton", marks=pytest.mark.stack)])
async def encoder(request: pytest.FixtureRequest) -> AsyncIterator[Encoder]:
    encoder: Encoder
    if request.param == "fake":
        encoder = FakeEncoder()
    else:
        endpoints = request.getfixturevalue("stack").endpoints
        encoder = await TritonEncoder.connect(endpoints.triton, timeout_s=20)
    yield encoder
    await encoder.close()


def picture(red: int, green: int, blue: int, *, stripes: bool = False) -> NDArray[np.uint8]:
    pixels = np.full((224, 224, 3), 255, dtype=np.uint8)
    pixels[40:180, 40:180] = (red, green, blue)
    if stripes:
        pixels[40:180:20, 40:180] = 0
    return pixels


async def test_an_embedding_is_a_float32_unit_vector_of_256(encoder: Encoder) -> None:
    embedding = (await encoder.encode(picture(200, 0, 0))).embedding

    assert embedding.shape == (256,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-3)


async def test_the_same_picture_gives_the_same_embedding(encoder: Encoder) -> None:
    first = await encoder.encode(picture(0, 80, 200))
    second = await encoder.encode(picture(0, 80, 200))

    np.testing.assert_allclose(first.embedding, second.embedding, atol=1e-4)


async def test_a_picture_alone_and_among_others_gives_the_same_embedding(encoder: Encoder) -> None:
    alone = await encoder.encode(picture(0, 80, 200))
    among = await asyncio.gather(*(encoder.encode(picture(0, 80, 200 - 10 * n)) for n in range(12)))

    np.testing.assert_allclose(alone.embedding, among[0].embedding, atol=1e-4)


async def test_a_like_picture_is_nearer_than_an_unlike_one(encoder: Encoder) -> None:
    red, dark_red, striped = [
        (await encoder.encode(pixels)).embedding
        for pixels in (picture(220, 20, 20), picture(200, 10, 10), picture(20, 20, 220, stripes=True))
    ]

    assert red @ dark_red > red @ striped


async def test_tags_are_names_with_falling_probabilities(encoder: Encoder) -> None:
    tags = (await encoder.encode(picture(200, 0, 0))).tags

    assert len(tags) <= 5
    assert all(name and 0 < probability <= 1 for name, probability in tags)
    assert [p for _, p in tags] == sorted((p for _, p in tags), reverse=True)


async def test_every_encoding_says_what_made_it(encoder: Encoder) -> None:
    encoding = await encoder.encode(picture(200, 0, 0))

    name, _, version = encoder.version.rpartition("@")
    assert name
    assert version.isdecimal()
    assert encoding.version == encoder.version


async def test_a_thing_on_a_plain_ground_is_the_salient_part(encoder: Encoder) -> None:
    pixels = np.full((224, 224, 3), 240, dtype=np.uint8)
    pixels[120:200, 24:104] = (200, 0, 0)
    pixels[120:200:16, 24:104] = 0
    found = await encoder.salience(pixels)

    assert found is not None
    assert found.dtype == np.float32
    assert found[8:12, 2:6].mean() > 2 * found[:5, 9:].mean()


async def test_a_ready_encoder_says_so(encoder: Encoder) -> None:
    assert await encoder.ready()


async def test_a_closed_encoder_is_unavailable(encoder: Encoder) -> None:
    await encoder.close()

    with pytest.raises(EncoderUnavailable):
        await encoder.encode(picture(200, 0, 0))
    with pytest.raises(EncoderUnavailable):
        await encoder.salience(picture(200, 0, 0))
    assert not await encoder.ready()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((224, 224), np.uint8),
        np.zeros((224, 224, 4), np.uint8),
        np.zeros((223, 224, 3), np.uint8),
        np.zeros((224, 224, 3), np.float32),
    ],
    ids=["no channels", "four channels", "a row short", "floats"],
)
async def test_pixels_of_another_shape_or_type_are_refused(encoder: Encoder, pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(BadEmbedding):
        await encoder.encode(pixels)
    with pytest.raises(BadEmbedding):
        await encoder.salience(pixels)
