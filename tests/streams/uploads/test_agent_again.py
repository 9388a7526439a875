"""Pictures that come again: what an agent has seen once it neither decodes nor encodes another time."""

import pytest

from inference.errors import BadEmbedding
from tests.harness.uploads import BLUE, Studio, query, record, shirt, upload


@pytest.fixture
def studio() -> Studio:
    return Studio()


async def test_the_same_bytes_as_another_item_are_encoded_once(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    await studio.handle([record(1, upload("i2"))])
    first, second = studio.items()
    assert (first.item_id, second.item_id, studio.encoder.calls) == ("i1", "i2", 1)
    assert (first.embeddings, first.tags, first.colours) == (second.embeddings, second.tags, second.colours)


async def test_the_same_bytes_in_one_batch_are_encoded_once(studio: Studio) -> None:
    await studio.handle([record(n, upload(f"i{n}")) for n in range(8)])
    assert ([item.item_id for item in studio.items()], studio.encoder.calls) == ([f"i{n}" for n in range(8)], 1)


async def test_another_picture_is_encoded_for_itself(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1")), record(1, upload("i2", shirt(BLUE)))])
    first, second = studio.items()
    assert (studio.encoder.calls, first.embeddings == second.embeddings) == (2, False)


async def test_another_version_of_the_encoder_encodes_again(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    studio.encoder.become("fake@2")
    await studio.handle([record(1, upload("i1"))])
    assert [encoder for item in studio.items() for encoder in item.embeddings] == ["fake@1", "fake@2"]
    assert studio.encoder.calls == 2


async def test_a_querys_picture_is_not_kept(studio: Studio) -> None:
    await studio.handle([query(shirt())])
    await studio.handle([record(0, upload("i1"))])
    assert studio.encoder.calls == 2


async def test_a_query_finds_the_picture_of_an_item_again(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    await studio.handle([query(shirt())])
    assert (len(studio.publisher.lists()), studio.encoder.calls) == (1, 1)


async def test_a_broken_picture_is_refused_each_time(studio: Studio) -> None:
    broken = shirt(format_="JPEG")[:1500]
    await studio.handle([record(0, upload("i1", broken)), record(1, upload("i2", broken))])
    await studio.handle([record(2, upload("i1", broken))])
    assert (studio.reasons(), studio.items()) == (["bad_image"] * 3, [])


async def test_a_picture_that_a_mended_model_can_encode_is_an_item_the_next_time(studio: Studio) -> None:
    studio.encoder.failure = BadEmbedding("the embedding holds NaN or Inf")
    await studio.handle([record(0, upload("i1"))])
    studio.encoder.failure = None
    await studio.handle([record(1, upload("i1"))])
    assert (studio.reasons(), len(studio.items())) == (["bad_embedding"], 1)


async def test_the_sum_an_upload_was_sent_with_is_checked_of_a_known_picture_too(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    await studio.handle([record(1, upload("i2", sha256="0" * 64))])
    assert (studio.reasons(), len(studio.items())) == (["checksum_mismatch"], 1)
