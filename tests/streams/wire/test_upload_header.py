import pytest

from features.upload_places import UploadPlace
from streams.wire.records import Record
from streams.wire.upload_header import header_of, place_of


def record(*headers: tuple[str, bytes], timestamp_ms: int = 0, offset: int = 0, partition: int = 0) -> Record:
    return Record("events.uploads", partition, offset, timestamp_ms, b"i1", b"{}", headers)


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 1_767_268_800_999, 2**63 - 1])
def test_the_place_of_an_upload_is_read_from_the_header_of_its_interaction(timestamp_ms: int) -> None:
    upload = record(timestamp_ms=timestamp_ms, offset=2**53, partition=1023)

    at_s = min(max(timestamp_ms // 1000, 0), 2**32 - 1)
    assert place_of(record(("traceparent", b"00-1"), header_of(upload))) == UploadPlace(1023, 2**53, at_s)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("sightline-upload", b""),),
        (("sightline-upload", b"1-2"),),
        (("sightline-upload", b"1-2-3 "),),
        (("sightline-upload", b"99999-2-3"),),
        (("sightline-control", b"1-2-3"),),
    ],
)
def test_other_headers_name_no_place(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert place_of(record(*headers)) is None
