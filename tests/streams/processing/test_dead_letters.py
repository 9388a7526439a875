from dataclasses import replace
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from streams.errors import InvalidEvent
from streams.processing.dead_letters import ATTEMPT, dead_letter
from streams.wire.events import DeadLetter
from streams.wire.namespace import Namespace
from streams.wire.records import Record

BAD = Record(
    "t.events.uploads", 3, 71, 1_767_268_800_000, b"i\xff", b"{\xff", (("traceparent", b"00-1"), ("b", b"\x00"))
)


def test_a_dead_letter_holds_all_that_was_refused_and_why() -> None:
    message = dead_letter(BAD, InvalidEvent("bad_json", "not JSON in UTF-8: …"), namespace=Namespace("t."))

    assert (message.topic, message.key, message.partition) == ("t.dead-letters", b"i\xff", None)
    assert msgspec.json.decode(message.value or b"", type=DeadLetter) == DeadLetter(
        reason="bad_json",
        error="not JSON in UTF-8: …",
        topic="t.events.uploads",
        partition=3,
        offset=71,
        timestamp_ms=1_767_268_800_000,
        attempts=1,
        key=b"i\xff",
        value=b"{\xff",
        headers=[("traceparent", b"00-1"), ("b", b"\x00")],
    )


def test_a_message_without_key_and_value_has_a_dead_letter_without_them() -> None:
    message = dead_letter(
        Record("events.items", 0, 0, 0, None, None), InvalidEvent("no_value", "none"), namespace=Namespace()
    )

    letter = msgspec.json.decode(message.value or b"", type=DeadLetter)
    assert (message.key, letter.key, letter.value, letter.headers, letter.attempts) == (None, None, None, [], 1)


def test_a_long_error_is_cut() -> None:
    message = dead_letter(BAD, InvalidEvent("bad_json", "x" * 100_000), namespace=Namespace("t."))

    assert len(msgspec.json.decode(message.value or b"", type=DeadLetter).error) == 2048


def test_a_dead_letter_is_counted_by_reason_and_by_topic_without_its_prefix() -> None:
    def counted() -> list[float]:
        labels = {"topic": "events.uploads", "type": "unknown", "outcome": "dead_letter"}
        return [
            REGISTRY.get_sample_value("sightline_dead_letters_total", {"reason": "bad_picture_of_mine"}) or 0.0,
            REGISTRY.get_sample_value("sightline_events_total", labels) or 0.0,
        ]

    before = counted()
    dead_letter(BAD, InvalidEvent("bad_picture_of_mine", "…"), namespace=Namespace("t."))

    assert counted() == [count + 1 for count in before]


TOPIC_LIMIT = 3 << 20


def letter_of(record: Record) -> DeadLetter:
    """The letter, after a look whether its topic takes it."""
    message = dead_letter(record, InvalidEvent("too_large", "no"), namespace=Namespace())
    assert len(message.value or b"") + len(message.key or b"") + 1024 < TOPIC_LIMIT
    return msgspec.json.decode(message.value or b"", type=DeadLetter)


@pytest.mark.parametrize(
    "headers",
    [
        (("\0" * 2_000_000, b""),),
        (("é" * 500_000, b"\xff" * 2_000_000),),
        tuple((f"h{n}", b"") for n in range(300_000)),
    ],
    ids=["a name that JSON escapes", "a long name and value", "a flood"],
)
def test_headers_beyond_what_the_topic_takes_are_cut(headers: tuple[tuple[str, bytes], ...]) -> None:
    kept = letter_of(replace(BAD, headers=(BAD.headers[0], *headers)))
    assert kept.headers[0] == BAD.headers[0]
    assert len(kept.headers) < 1 + len(headers)
    assert (kept.key, kept.value) == (BAD.key, BAD.value)
    assert f"{1 + len(headers)} headers" in kept.error


def test_a_value_that_was_compressed_beyond_what_the_topic_takes_is_cut() -> None:
    kept = letter_of(replace(BAD, key=b"k" * 10_000_000, value=b"v" * 50_000_000))
    assert kept.value == b"v" * 2_097_152
    assert "10000000 bytes of key, 50000000 of value, 2 headers" in kept.error


def test_all_that_events_uploads_takes_is_kept_whole() -> None:
    record = replace(BAD, value=b"\xff" * (2 << 20), headers=(("h", b"\xff" * 10_000),))
    kept = letter_of(record)
    assert (kept.key, kept.value, kept.headers, kept.error) == (record.key, record.value, list(record.headers), "no")


def test_a_header_that_is_null_is_kept_as_an_empty_one() -> None:
    # As Kafka may give it, whatever the type of ours says.
    headers: Any = (("content-type", None),)
    assert letter_of(replace(BAD, headers=headers)).headers == [("content-type", b"")]


@pytest.mark.parametrize(
    ("header", "attempts"), [(b"3", 3), (b"0", 1), (b"", 1), (b"-1", 1), (b"many", 1), (b"9" * 5000, 1), (b"\xff", 1)]
)
def test_a_letter_that_was_sent_back_says_which_attempt_failed(header: bytes, attempts: int) -> None:
    record = Record("events.items", 0, 0, 0, b"i1", b"junk", ((ATTEMPT, header),))
    message = dead_letter(record, InvalidEvent("bad_json", "…"), namespace=Namespace())
    assert msgspec.json.decode(message.value or b"", type=DeadLetter).attempts == attempts
