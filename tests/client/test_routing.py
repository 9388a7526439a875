import pytest

from sightline_client.routing import partition_of, route
from streams.wire.events import Interaction, ItemChange, Upload


@pytest.mark.parametrize(("key", "partition"), [(b"21", 0), (b"foobar", 6), (b"a-little-bit-long-string", 8), (b"", 9)])
def test_a_key_goes_where_javas_murmur2_sends_it(key: bytes, partition: int) -> None:
    # The hashes of these keys are in Kafka's own UtilsTest.
    assert partition_of(key, 12) == partition


def test_an_interaction_goes_to_its_user() -> None:
    event = Interaction(event_id="c-1", type="click", user_id="u1", item_id="i9", occurred_at_ms=0)
    assert route(event) == ("events.interactions", "u1")


def test_an_upload_goes_to_its_item() -> None:
    event = Upload(event_id="n-1", item_id="i10", user_id="u2", occurred_at_ms=0, image_ref="a.jpg")
    assert route(event) == ("events.uploads", "i10")


def test_a_picture_query_goes_to_its_user() -> None:
    event = Upload(event_id="q-1", item_id="q", user_id="u2", occurred_at_ms=0, image_ref="a.jpg", purpose="query")
    assert route(event) == ("events.uploads", "u2")


def test_an_item_change_goes_to_its_item() -> None:
    assert route(ItemChange(event_id="s-1", item_id="i10", occurred_at_ms=0)) == ("events.items", "i10")
