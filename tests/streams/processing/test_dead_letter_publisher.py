"""What Kafka refuses for good becomes a dead letter; what is unavailable waits; nobody else is held up."""

import asyncio
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from streams.errors import InvalidEvent, PublishFailed
from streams.kafka.publish_errors import Scope, meaning_of
from streams.processing.dead_letter_publisher import DeadLetterPublisher
from streams.processing.dead_letters import dead_letter
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from tests.harness.fakes import until
from tests.harness.interactions import metric
from tests.harness.refusing import TOO_LARGE, RefusingPublisher

FORBIDDEN = KafkaError.TOPIC_AUTHORIZATION_FAILED
LISTS, EXPORTS, RECEIPTS, LETTERS = "recommendations", "privacy.exports", "privacy.receipts", "dead-letters"


@pytest.fixture
def kafka() -> RefusingPublisher:
    return RefusingPublisher()


@pytest.fixture
def publisher(kafka: RefusingPublisher) -> DeadLetterPublisher:
    return DeadLetterPublisher(kafka, namespace=Namespace(), first_wait_s=0.001)


def message(topic: str, key: str, value: bytes = b"v") -> Message:
    return Message(topic, key.encode(), value)


def keys(kafka: RefusingPublisher, topic: str) -> list[bytes | None]:
    return [each.key for each in kafka.to(topic)]


async def test_what_is_too_large_is_a_dead_letter_and_the_rest_of_its_batch_is_published(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.limits[LISTS] = 10
    before = metric("sightline_dead_letters_total", reason="unpublishable_too_large")
    await publisher.publish([message(LISTS, "u1"), message(LISTS, "u2", b"x" * 11), message(LISTS, "u3")])

    assert keys(kafka, LISTS) == [b"u1", b"u3"]
    (letter,) = kafka.dead_letters()
    assert (letter.reason, letter.topic, letter.key, letter.value) == (
        "unpublishable_too_large",
        LISTS,
        b"u2",
        b"x" * 11,
    )
    assert (letter.partition, letter.offset, "11 bytes to 'recommendations'" in letter.error) == (-1, -1, True)
    assert metric("sightline_dead_letters_total", reason="unpublishable_too_large") == before + 1


async def test_a_batch_that_is_too_large_as_a_whole_loses_nothing(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.limits[LISTS] = 10
    await publisher.publish([message(LISTS, f"u{n}", b"12345") for n in range(9)])
    assert keys(kafka, LISTS) == [f"u{n}".encode() for n in range(9)]
    assert kafka.dead_letters() == []


async def test_the_last_message_of_a_key_stays_the_last(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    """The first batch was refused and the second was not: both are sent again, in order."""
    kafka.limits["state.catalog"] = 8
    first, second = message("state.catalog", "i1", b"old"), message("state.catalog", "i1", b"new")
    filler = message("state.catalog", "i2", b"123")
    await publisher.publish([first, filler, second])
    assert [each.value for each in kafka.to("state.catalog") if each.key == b"i1"][-1] == b"new"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (KafkaError.INVALID_RECORD, "unpublishable_invalid"),
        (KafkaError.INVALID_TIMESTAMP, "unpublishable_invalid"),
        (KafkaError.POLICY_VIOLATION, "unpublishable_policy"),
        (KafkaError.RECORD_LIST_TOO_LARGE, "unpublishable_too_large"),
        (KafkaError.UNKNOWN, "unpublishable_error"),
    ],
)
async def test_whatever_is_refused_for_good_is_a_dead_letter_with_its_reason(
    code: int, reason: str, kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors[LISTS] = code
    await publisher.publish([message(LISTS, "u1"), message("state.signals", "i1")])
    assert [letter.reason for letter in kafka.dead_letters()] == [reason]
    assert keys(kafka, "state.signals") == [b"i1"]


@pytest.mark.parametrize("code", [FORBIDDEN, KafkaError._UNKNOWN_TOPIC])
async def test_an_answer_to_one_user_does_not_wait_for_its_topic(
    code: int, kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors[RECEIPTS] = kafka.errors[EXPORTS] = code
    await publisher.publish([message(RECEIPTS, "h"), message(EXPORTS, "h", b"all of ann"), message(LISTS, "u1")])
    assert keys(kafka, LISTS) == [b"u1"]
    assert {letter.topic: letter.value for letter in kafka.dead_letters()} == {RECEIPTS: b"v", EXPORTS: None}
    assert (publisher.problems, publisher.waits) == ([], False)


@pytest.mark.parametrize("code", [FORBIDDEN, KafkaError._UNKNOWN_TOPIC, TOO_LARGE])
async def test_steps_that_kafka_refuses_are_counted_and_neither_wait_nor_become_letters(
    code: int, kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors["state.steps"] = code
    before = metric("sightline_steps_total", outcome="lost")
    with capture_logs() as lines:
        await publisher.publish([message("state.steps", ""), message("state.signals", "i1")])
        await publisher.publish([message("state.steps", "")])

    assert (keys(kafka, "state.signals"), kafka.dead_letters(), publisher.problems) == ([b"i1"], [], [])
    assert metric("sightline_steps_total", outcome="lost") == before + 2
    assert [line["event"] for line in lines] == ["steps_lost"]


async def test_other_topics_wait_for_an_operator_and_say_so(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors[LISTS] = FORBIDDEN
    waiting = asyncio.ensure_future(publisher.publish([message(LISTS, "u1"), message("state.signals", "i1")]))
    await until(lambda: publisher.problems != [])
    assert "`sightline topics acls worker`" in publisher.problems[0]
    assert (publisher.waits, metric("sightline_topic_refused", topic=LISTS)) == (True, 1)
    await publisher.publish([message("state.signals", "i2")])
    later = asyncio.ensure_future(publisher.publish([message(LISTS, "u1", b"later")]))
    await asyncio.sleep(0.01)
    del kafka.errors[LISTS]
    await asyncio.gather(waiting, later)
    assert [each.value for each in kafka.to(LISTS)] == [b"v", b"later"]
    assert keys(kafka, "state.signals") == [b"i1", b"i2"]
    assert kafka.dead_letters() == []
    assert (publisher.problems, publisher.waits, metric("sightline_topic_refused", topic=LISTS)) == ([], False, 0)


async def test_what_came_while_a_topic_was_refused_is_looked_at_in_the_same_way(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors[LISTS] = KafkaError._UNKNOWN_TOPIC
    waiting = [asyncio.ensure_future(publisher.publish([message(LISTS, "u0")]))]
    await until(lambda: publisher.problems != [])
    waiting.append(asyncio.ensure_future(publisher.publish([message(LISTS, "u1", b"x" * 11), message(LISTS, "u2")])))
    kafka.limits[LISTS] = 10
    del kafka.errors[LISTS]
    await asyncio.gather(*waiting)
    assert keys(kafka, LISTS) == [b"u0", b"u2"]
    assert [letter.key for letter in kafka.dead_letters()] == [b"u1"]


async def test_what_is_unavailable_waits(kafka: RefusingPublisher, publisher: DeadLetterPublisher) -> None:
    kafka.errors[LISTS] = KafkaError.NOT_ENOUGH_REPLICAS
    waiting = asyncio.ensure_future(publisher.publish([message(LISTS, "u1")]))
    await asyncio.sleep(0.02)
    assert (waiting.done(), publisher.waits, publisher.problems) == (False, True, [])
    del kafka.errors[LISTS]
    await waiting
    assert keys(kafka, LISTS) == [b"u1"]


async def test_a_producer_that_sends_nothing_any_more_ends_the_process(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors[LISTS] = KafkaError._FATAL
    with pytest.raises(PublishFailed, match="start the worker again"):
        await publisher.publish([message(LISTS, "u1")])
    assert publisher.waits is False


def letter_of(value: bytes) -> Message:
    record = Record("events.items", 3, 71, 0, b"i1", value, (("h", b"x" * 500),))
    return dead_letter(record, InvalidEvent("bad_json", "no"), namespace=Namespace())


async def test_a_dead_letter_is_cut_to_what_its_topic_takes_and_keeps_the_place_of_the_original(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.limits[LETTERS] = 4096
    await publisher.publish([letter_of(b"v" * 100_000), letter_of(b"small")])
    cut, small = kafka.dead_letters()
    assert (cut.topic, cut.partition, cut.offset, cut.reason) == ("events.items", 3, 71, "bad_json")
    assert 0 < len(cut.value or b"") < 4096
    assert cut.error == "no (cut to fit: the message had 2 bytes of key, 100000 of value, 1 headers)"
    assert small.value == b"small"


@pytest.mark.parametrize(
    "break_topic",
    [
        lambda kafka: kafka.errors.update({LETTERS: FORBIDDEN}),
        lambda kafka: kafka.errors.update({LETTERS: KafkaError._UNKNOWN_TOPIC}),
        lambda kafka: kafka.limits.update({LETTERS: 1}),
    ],
    ids=["forbidden", "missing", "takes nothing"],
)
async def test_dead_letters_that_cannot_be_written_hold_up_nobody_and_say_where_the_original_lies(
    break_topic: Callable[[RefusingPublisher], None], kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    break_topic(kafka)
    with capture_logs() as lines:
        await publisher.publish([letter_of(b"v" * 1000), message(LISTS, "u1")])
    assert keys(kafka, LISTS) == [b"u1"]
    (lost,) = [line for line in lines if line["event"] == "dead_letter_lost"]
    assert (lost["topic"], lost["partition"], lost["offset"], lost["reason"]) == ("events.items", 3, 71, "bad_json")


async def test_a_message_that_fits_nowhere_ends_nothing(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.limits[LISTS] = 0
    kafka.errors[LETTERS] = FORBIDDEN
    before = metric("sightline_dead_letters_lost_total", reason="unpublishable_forbidden")
    await publisher.publish([message(LISTS, "u1")])
    assert metric("sightline_dead_letters_lost_total", reason="unpublishable_forbidden") == before + 1


def test_every_error_has_a_meaning_and_unknown_ones_wait() -> None:
    assert meaning_of(KafkaError(TOO_LARGE)).scope is Scope.MESSAGE
    assert meaning_of(KafkaError(KafkaError._TIMED_OUT)).scope is Scope.UNAVAILABLE
    assert meaning_of(KafkaError(9999)).scope is Scope.UNAVAILABLE
    assert meaning_of(KafkaError(KafkaError._TIMED_OUT, fatal=True)).scope is Scope.PRODUCER


async def test_what_may_be_lost_is_counted_and_neither_waits_nor_becomes_a_letter(
    kafka: RefusingPublisher, publisher: DeadLetterPublisher
) -> None:
    kafka.errors["state.examples"] = FORBIDDEN
    refused = await publisher.try_publish([message("state.examples", "0"), message(LISTS, "u1")])

    assert (refused, publisher.waits, publisher.problems, kafka.dead_letters()) == (1, False, [], [])
    assert keys(kafka, LISTS) == [b"u1"]
