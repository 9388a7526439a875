import re

import pytest

from sightline_client.pseudonyms import pseudonym, pseudonymous
from streams.wire.events import Interaction, ItemChange, PrivacyRequest, Upload

KEY = b"a key of thirty-two characters.."
CLICK = Interaction(event_id="e", type="click", user_id="u1", item_id="i1", occurred_at_ms=0)
UPLOAD = Upload(event_id="e", item_id="i1", user_id="u1", occurred_at_ms=0, image_ref="a.jpg")
REQUEST = PrivacyRequest(event_id="e", type="forget", user_id="u1", occurred_at_ms=0)


def test_a_pseudonym_is_22_characters_that_may_stand_anywhere() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", pseudonym(KEY, "ann@example.org"))


def test_a_user_has_one_pseudonym_and_another_under_another_key() -> None:
    assert pseudonym(KEY, "u1") == pseudonym(KEY, "u1")
    assert len({pseudonym(KEY, "u1"), pseudonym(KEY, "u2"), pseudonym(b"another", "u1")}) == 3


@pytest.mark.parametrize("event", [CLICK, UPLOAD, REQUEST])
def test_an_event_has_the_pseudonym_in_place_of_the_id(event: Interaction | Upload | PrivacyRequest) -> None:
    replaced = pseudonymous(KEY, event)
    assert isinstance(replaced, type(event))
    assert replaced.user_id == pseudonym(KEY, "u1")
    assert replaced.event_id == "e"


def test_a_change_of_an_item_names_no_user() -> None:
    change = ItemChange(event_id="e", item_id="i1", occurred_at_ms=0)
    assert pseudonymous(KEY, change) is change
