from dataclasses import replace

import msgspec
import pytest
from pydantic import SecretStr

from features.privacy import Request
from streams.errors import InvalidEvent
from streams.privacy.control_records import HEADER, UNSIGNED, ControlRecords, control_keys
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_interaction
from streams.wire.records import Message, Record
from tests.harness.fakes import NOON

KEY, OLD = b"a key of thirty-two characters..", b"another key of many characters.."
REQUEST = PrivacyRequest(event_id="p-1", type="forget", user_id="u1", occurred_at_ms=NOON - 5000)
WISH = PrivacyRequest(
    event_id="p-2", type="prefer", user_id="u1", occurred_at_ms=NOON, prefer={"shoes": 0.5, "i9": -1.0}
)
ASKED = Record("events.privacy", 3, 481, NOON, b"u1", b"")


def arrived(message: Message) -> Record:
    """The message as events.interactions holds it."""
    return Record(message.topic, 0, 7, NOON + 9, message.key, message.value, message.headers)


def control(control_records: ControlRecords = UNSIGNED, request: PrivacyRequest = REQUEST) -> Record:
    return arrived(control_records.message(request, ASKED, namespace=Namespace()))


@pytest.mark.parametrize("control_records", [UNSIGNED, ControlRecords(KEY)])
def test_a_request_comes_back_with_its_place_and_the_brokers_time_of_it(control_records: ControlRecords) -> None:
    found = control_records.read(control(control_records))

    assert found is not None
    assert (found.user_id, found.partition, found.request) == ("u1", 3, Request("forget", 481, NOON))


@pytest.mark.parametrize("control_records", [UNSIGNED, ControlRecords(KEY)])
def test_dials_come_back_in_their_order(control_records: ControlRecords) -> None:
    found = control_records.read(control(control_records, WISH))

    assert found is not None
    assert found.request == Request("prefer", 481, NOON, (("shoes", 0.5), ("i9", -1.0)))


def test_requests_of_other_types_carry_no_dials() -> None:
    with_dials = msgspec.structs.replace(REQUEST, prefer={"shoes": 0.5})

    assert control(request=with_dials).value == control().value


def test_dials_that_were_changed_do_not_count() -> None:
    signed = control(ControlRecords(KEY), WISH)
    value = signed.value or b""

    assert b"0.5" in value
    assert ControlRecords(KEY).read(replace(signed, value=value.replace(b"0.5", b"0.6"))) is None
    assert ControlRecords(KEY).read(replace(signed, value=value.replace(b"shoes", b"boots"))) is None


@pytest.mark.parametrize(
    "dials",
    [b"", b',"prefer":{}', b',"prefer":null', b',"prefer":{"i1":2}', b',"prefer":{"i1":1e999}', b',"prefer":[]'],
)
def test_a_wish_without_dials_that_can_be_read_does_not_count(dials: bytes) -> None:
    value = b'{"type":"prefer","user_id":"u1","asked_ms":1' + dials + b"}"

    assert UNSIGNED.read(replace(control(), value=value)) is None


def test_it_lies_among_the_events_of_its_user() -> None:
    message = UNSIGNED.message(REQUEST, ASKED, namespace=Namespace("t."))

    assert (message.topic, message.key, message.partition) == ("t.events.interactions", b"u1", None)


def test_a_reader_who_does_not_know_of_it_takes_it_for_an_event_of_an_unknown_type() -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse_interaction(control())

    assert refused.value.reason == "unknown_type"


def test_without_its_header_it_does_not_count() -> None:
    assert UNSIGNED.read(replace(control(), headers=())) is None


@pytest.mark.parametrize(
    "stamp", [b"", b"3", b"3-", b"-3-4", b"3-481 ", b"3-481 00", b"3-481\n", b"x-1", b"3-" + b"9" * 19]
)
def test_a_header_that_names_no_place_does_not_count(stamp: bytes) -> None:
    assert UNSIGNED.read(replace(control(), headers=((HEADER, stamp),))) is None


def test_of_two_headers_none_counts() -> None:
    assert UNSIGNED.read(replace(control(), headers=control().headers * 2)) is None


def test_with_a_key_an_unsigned_one_does_not_count() -> None:
    assert ControlRecords(KEY).read(control(UNSIGNED)) is None


def test_one_that_was_signed_with_another_key_does_not_count() -> None:
    assert ControlRecords(KEY).read(control(ControlRecords(OLD))) is None


def test_while_the_key_changes_the_old_one_counts_and_the_new_one_signs() -> None:
    both = ControlRecords(KEY, OLD)

    assert both.read(control(ControlRecords(OLD))) is not None
    assert ControlRecords(KEY).read(control(both)) is not None


def test_a_signed_one_that_was_changed_does_not_count() -> None:
    signed = control(ControlRecords(KEY))
    ((_, stamp),) = signed.headers
    value = signed.value or b""

    assert ControlRecords(KEY).read(replace(signed, value=value.replace(b"u1", b"u2"), key=b"u2")) is None
    assert ControlRecords(KEY).read(replace(signed, headers=((HEADER, stamp.replace(b"3-481", b"3-482")),))) is None


def test_one_that_lies_among_the_events_of_another_user_does_not_count() -> None:
    assert ControlRecords(KEY).read(replace(control(ControlRecords(KEY)), key=b"u2")) is None


@pytest.mark.parametrize(
    "value", [None, b"", b"\xff", b"{}", b"[" * 5000, b'{"type":"click","user_id":"u1","asked_ms":1}']
)
def test_junk_under_the_header_does_not_count(value: bytes | None) -> None:
    assert UNSIGNED.read(replace(control(), value=value)) is None


def test_keys_are_given_one_after_the_other() -> None:
    assert control_keys(SecretStr("new, old")) == (b"new", b"old")
    assert control_keys(None) == ()
