import pytest

from features.upload_places import UploadPlace
from streams.wire.records import Record
from streams.wire.upload_header import header_of, place_of
from tests.harness.fakes import NOON


def record(*headers: tuple[str, bytes], timestamp_ms: int = 0, offset: int = 0, partition: int = 0) -> Record:
    return Record("events.uploads", partition, offset, timestamp_ms, b"i1", b"{}", headers)


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 1_767_268_800_999, 2**63 - 1])
def test_the_place_of_an_upload_is_read_from_the_header_of_its_interaction(timestamp_ms: int) -> None:
    upload = record(timestamp_ms=timestamp_ms, offset=2**53, partition=1023)

    at_s = min(max(timestamp_ms // 1000, 0), 2**32 - 1)
    interaction = record(("traceparent", b"00-1"), header_of(upload), timestamp_ms=timestamp_ms)
    assert place_of(interaction) == UploadPlace(1023, 2**53, at_s)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("sightline-upload", b""),),
        (("sightline-upload", b"1-2"),),
        (("sightline-upload", b"1-2-3 "),),
        (("sightline-upload", b"99999-2-3"),),
        (("sightline-upload", b"1024-2-3"),),
        (("sightline-upload", b"1-9223372036854775808-3"),),
        (("sightline-upload", b"1-2-99999999999"),),
        (("sightline-upload", "١-2-3".encode()),),
        (("sightline-control", b"1-2-3"),),
    ],
)
def test_other_headers_name_no_place(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert place_of(record(*headers)) is None


@pytest.mark.parametrize(("ahead_s", "named"), [(0, True), (300, True), (301, False), (10**8, False)])
def test_a_time_after_that_of_the_interaction_names_no_place(ahead_s: int, named: bool) -> None:
    header = ("sightline-upload", b"0-7-%d" % (NOON // 1000 + ahead_s))
    assert (place_of(record(header, timestamp_ms=NOON)) is not None) == named


def test_a_place_that_cannot_be_does_not_hide_later_uploads() -> None:
    forged = record(("sightline-upload", b"3-9223372036854775807-4294967295"), timestamp_ms=NOON)
    assert place_of(forged) is None


def test_the_last_offset_of_kafka_is_a_place() -> None:
    assert place_of(record(("sightline-upload", b"1023-9223372036854775807-0"))) == UploadPlace(1023, 2**63 - 1, 0)
