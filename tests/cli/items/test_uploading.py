import pytest

from cli.arrivals import Arrival
from cli.items.uploading import refused
from streams.errors import InvalidEvent
from streams.processing.dead_letters import dead_letter
from streams.wire.namespace import Namespace
from streams.wire.records import Record

LETTER = dead_letter(
    Record("events.uploads", 0, 0, 0, b"i1", b"{"), InvalidEvent("bad_json", "not JSON"), namespace=Namespace()
)


@pytest.mark.parametrize(
    ("topic", "value", "why"),
    [
        ("state.catalog", b"{}", None),
        ("state.catalog", None, "deleted: the item was deleted"),
        ("dead-letters", LETTER.value, "bad_json: not JSON"),
        ("dead-letters", b"junk", "unknown: its dead letter cannot be read"),
    ],
)
def test_an_upload_led_to_an_item_or_says_why_not(topic: str, value: bytes | None, why: str | None) -> None:
    found = refused(Arrival(topic, "i1", value, 0.0), "dead-letters")
    assert (found is None) if why is None else (found or "").startswith(why)
