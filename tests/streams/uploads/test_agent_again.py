"""Pictures that come again: what an agent has seen once it neither decodes nor encodes another time."""

import pytest

from features.profile import NEW, Profile
from inference.errors import BadEmbedding
from streams.interactions.reducer import parse, reduce
from streams.privacy.control_records import UNSIGNED
from streams.wire.records import Message, Record
from tests.harness.fakes import NOON
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


async def test_what_the_agent_sends_again_after_its_group_was_reset_changes_no_profile(studio: Studio) -> None:
    """The messages are the same bytes, and the profile of the user takes each once, however many there are."""
    uploads = [record(n, upload(f"i{n}")) for n in range(60)]
    await studio.handle(uploads)
    first = studio.publisher.to("events.interactions")
    await studio.handle(uploads)
    again = studio.publisher.to("events.interactions")[len(first) :]
    assert again == first

    profile = profile_after_messages(first, NEW)
    assert profile.count == 60
    assert profile_after_messages(again, profile) is profile
    assert profile.uploads.tolist() == [(2, 59, NOON // 1000)]


def profile_after_messages(messages: list[Message], profile: Profile) -> Profile:
    for offset, message in enumerate(messages):
        sent = Record(message.topic, 0, offset, NOON, message.key, message.value, message.headers)
        profile = reduce(sent, parse(sent, UNSIGNED), profile).after
    return profile
