import msgspec
from prometheus_client import REGISTRY

from streams.dead_letters import dead_letter
from streams.errors import InvalidEvent
from streams.events import DeadLetter
from streams.parsing import Record

BAD = Record(
    "t.events.uploads", 3, 71, 1_767_268_800_000, b"i\xff", b"{\xff", (("traceparent", b"00-1"), ("b", b"\x00"))
)


def test_a_dead_letter_holds_all_that_was_refused_and_why() -> None:
    message = dead_letter(BAD, InvalidEvent("bad_json", "not JSON in UTF-8: …"), prefix="t.", attempts=3)

    assert (message.topic, message.key, message.partition) == ("t.dead-letters", b"i\xff", None)
    assert msgspec.json.decode(message.value or b"", type=DeadLetter) == DeadLetter(
        reason="bad_json",
        error="not JSON in UTF-8: …",
        topic="t.events.uploads",
        partition=3,
        offset=71,
        timestamp_ms=1_767_268_800_000,
        attempts=3,
        key=b"i\xff",
        value=b"{\xff",
        headers=[("traceparent", b"00-1"), ("b", b"\x00")],
    )


def test_a_message_without_key_and_value_has_a_dead_letter_without_them() -> None:
    message = dead_letter(Record("events.items", 0, 0, 0, None, None), InvalidEvent("no_value", "none"), prefix="")

    letter = msgspec.json.decode(message.value or b"", type=DeadLetter)
    assert (message.key, letter.key, letter.value, letter.headers, letter.attempts) == (None, None, None, [], 1)


def test_a_long_error_is_cut() -> None:
    message = dead_letter(BAD, InvalidEvent("bad_json", "x" * 100_000), prefix="t.")

    assert len(msgspec.json.decode(message.value or b"", type=DeadLetter).error) == 2048


def test_a_dead_letter_is_counted_by_reason_and_by_topic_without_its_prefix() -> None:
    def counted() -> list[float]:
        labels = {"topic": "events.uploads", "type": "unknown", "outcome": "dead_letter"}
        return [
            REGISTRY.get_sample_value("sightline_dead_letters_total", {"reason": "bad_picture_of_mine"}) or 0.0,
            REGISTRY.get_sample_value("sightline_events_total", labels) or 0.0,
        ]

    before = counted()
    dead_letter(BAD, InvalidEvent("bad_picture_of_mine", "…"), prefix="t.")

    assert counted() == [count + 1 for count in before]
