import pytest

from sightline_client import Interaction, InvalidEvent, Upload
from sightline_client.parsing import kind_of
from sightline_client.publisher import _on_the_wire


class Tagged(Interaction, frozen=True, kw_only=True):
    """An app's own event, with a field that Sightline ignores."""

    campaign: str = "summer"


class Scanned(Upload, frozen=True, kw_only=True):
    """An app's own upload."""


def test_an_apps_subclass_of_an_event_is_published_as_that_event() -> None:
    event = Tagged(event_id="e", type="click", user_id="u1", item_id="i1", occurred_at_ms=0)

    assert _on_the_wire(event)[:2] == ("events.interactions", b"u1")


def test_a_subclass_of_an_upload_may_be_as_large_as_an_upload() -> None:
    event = Scanned(event_id="e", user_id="u1", item_id="i1", occurred_at_ms=0, image=b"x" * 100_000)

    assert len(_on_the_wire(event)[2]) > 100_000


def test_an_id_that_is_no_text_is_an_invalid_event() -> None:
    event = Interaction(event_id="e", type="click", user_id=7, item_id="i1", occurred_at_ms=0)  # type: ignore[arg-type]
    with pytest.raises(InvalidEvent, match="user_id"):
        _on_the_wire(event)


def test_what_is_no_event_is_named() -> None:
    with pytest.raises(TypeError, match="not dict"):
        kind_of({"type": "click"})  # type: ignore[arg-type]
