"""Dead letters, chosen and sent back."""

from collections.abc import Sequence

import msgspec
import pytest
from confluent_kafka import KafkaError

from features.item import key_of
from features.profile import NEW, Action, apply_interaction
from features.upload_places import UploadPlace
from streams.errors import InvalidEvent, NoSuchLetter, PublishFailed
from streams.interactions.reducer import reduce
from streams.kafka.publish_errors import Refused
from streams.processing.dead_letters import dead_letter, unpublishable
from streams.processing.redrive import BATCH_LETTERS, Choice, Letters, Retried, retry
from streams.wire.events import DeadLetter, Interaction, encode
from streams.wire.namespace import Namespace
from streams.wire.parsing import NOT_UNPACKED, parse_interaction
from streams.wire.records import Message, Record
from streams.wire.upload_header import UPLOAD
from tests.harness.fakes import NOON, MemoryLog
from tests.harness.refusing import TOO_LARGE, RefusingPublisher

PARTITIONS = 4
PREFIX = "t."
DEAD = "t.dead-letters"
MINUTE = 60_000


class Desk:
    """A topic of dead letters, and the topics that they came from."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.failing = False

    def refuse(
        self,
        value: bytes | None = b"junk",
        *,
        key: bytes | None = b"u1",
        topic: str = "t.events.interactions",
        reason: str = "bad_json",
        at_ms: int = NOON,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> str:
        """A message is refused; its letter's address."""
        record = Record(topic, 2, 71, NOON - 5, key, value, headers)
        letter = dead_letter(record, InvalidEvent(reason, "because"), namespace=Namespace(PREFIX))
        written = self.log.append(DEAD, 1, letter.key, letter.value, at_ms=at_ms)
        return f"1-{written.offset}"

    def letters(self) -> Letters:
        """The letters as they are now."""
        return Letters(self.log, namespace=Namespace(PREFIX), partitions=PARTITIONS)

    async def publish(self, messages: Sequence[Message]) -> None:
        """What the broker does with messages, unless it fails."""
        if self.failing:
            raise PublishFailed("no")
        self.log.publish(messages, PARTITIONS)

    async def retry(self, choice: Choice | None = None, *, limit: int | None = None, again: bool = False) -> Retried:
        """Send letters back."""
        return await retry(
            self.letters(), choice or Choice(), self, namespace=Namespace(PREFIX), limit=limit, again=again
        )

    def records(self, topic: str = "t.events.interactions") -> list[Record]:
        """What a topic holds."""
        return [record for p in range(PARTITIONS) for record in self.log.read(topic, p, 0, 10**6)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def chosen(desk: Desk, **choice: object) -> list[str]:
    return [found.address for found in desk.letters().choose(Choice(**choice))]  # type: ignore[arg-type]


# Choosing


def test_letters_are_chosen_by_reason_topic_and_time(desk: Desk) -> None:
    first = desk.refuse(reason="no_key", at_ms=NOON)
    second = desk.refuse(topic="t.events.items", at_ms=NOON + MINUTE)
    third = desk.refuse(at_ms=NOON + 2 * MINUTE)
    assert chosen(desk) == [first, second, third]
    assert chosen(desk, reason="no_key") == [first]
    assert chosen(desk, topic="events.items") == [second]
    assert chosen(desk, since_ms=NOON + MINUTE) == [second, third]
    assert chosen(desk, reason="bad_json", topic="events.interactions") == [third]


def test_what_is_no_letter_is_left_out(desk: Desk) -> None:
    for value in (b"", b"{}", b"\xff", b"[" * 9999, None):
        desk.log.append(DEAD, 1, b"k", value)
    assert chosen(desk) == []


def test_a_letter_is_found_by_its_address(desk: Desk) -> None:
    desk.refuse(b"one")
    address = desk.refuse(b"two")
    assert desk.letters().find(address).letter.value == b"two"


@pytest.mark.parametrize("address", ["", "1", "1-", "-1", "a-b", "1-1", "9-0", "1--1", "1-99999999999999999999"])
def test_an_address_without_a_letter_is_refused(desk: Desk, address: str) -> None:
    desk.refuse()
    with pytest.raises(NoSuchLetter):
        desk.letters().find(address)


# Sending back


async def test_a_letter_is_sent_back_as_it_was_with_the_number_of_the_attempt(desk: Desk) -> None:
    address = desk.refuse(b"\xff\x00", key=b"u\xff", headers=(("tenant", b"\x00a"), ("tenant", b"b")))
    assert await desk.retry() == Retried(sent=1)
    (record,) = desk.records()
    assert (record.key, record.value) == (b"u\xff", b"\xff\x00")
    assert record.headers == (
        ("tenant", b"\x00a"),
        ("tenant", b"b"),
        ("sightline-attempt", b"2"),
        ("sightline-letter", address.encode()),
    )


async def test_an_upload_that_was_never_applied_is_applied_once_it_is_sent_back_after_a_later_one(desk: Desk) -> None:
    event = Interaction(event_id="first", type="upload", user_id="u1", item_id="i1", occurred_at_ms=NOON)
    desk.refuse(encode(event), headers=((UPLOAD, b"3-7-1767268800"), ("traceparent", b"00-1")))
    later = Action(key_of("second"), key_of("i2"), 0.5, NOON, upload=UploadPlace(3, 8, NOON // 1000))
    profile = apply_interaction(NEW, later).profile
    await desk.retry()
    (record,) = desk.records()
    assert record.headers[0] == ("traceparent", b"00-1")
    retried = reduce(record, parse_interaction(record), profile)
    assert retried.outcome == "applied"
    assert reduce(record, parse_interaction(record), retried.after).outcome == "duplicate"


async def test_key_and_value_that_are_missing_stay_missing(desk: Desk) -> None:
    desk.refuse(None, key=None)
    await desk.retry()
    assert [(record.key, record.value) for record in desk.records()] == [(None, None)]


async def test_one_that_is_refused_again_is_a_letter_of_the_next_attempt_without_more_headers(desk: Desk) -> None:
    desk.refuse()
    for attempt in (2, 3, 4):
        await desk.retry()
        record = max(desk.records(), key=lambda each: each.headers)
        assert [name for name, _ in record.headers] == ["sightline-attempt", "sightline-letter"]
        letter = dead_letter(record, InvalidEvent("bad_json", "again"), namespace=Namespace(PREFIX))
        assert msgspec.json.decode(letter.value or b"", type=DeadLetter).attempts == attempt
        desk.log.append(DEAD, 1, letter.key, letter.value)


async def test_a_letter_is_sent_back_once_unless_again(desk: Desk) -> None:
    desk.refuse()
    await desk.retry()
    assert await desk.retry() == Retried(earlier=1)
    assert len(desk.records()) == 1
    assert await desk.retry(again=True) == Retried(sent=1)
    assert len(desk.records()) == 2


async def test_what_was_sent_back_is_known_by_its_address(desk: Desk) -> None:
    first, _ = desk.refuse(reason="no_key"), desk.refuse()
    await desk.retry(Choice(reason="no_key"))
    assert desk.letters().retried() == {first}


async def test_only_what_is_chosen_is_sent_and_the_rest_later(desk: Desk) -> None:
    desk.refuse(b"a", reason="no_key")
    desk.refuse(b"b")
    assert await desk.retry(Choice(reason="no_key")) == Retried(sent=1)
    assert await desk.retry() == Retried(sent=1, earlier=1)
    assert sorted(record.value or b"" for record in desk.records()) == [b"a", b"b"]


async def test_a_limit_is_kept_and_the_next_call_goes_on(desk: Desk) -> None:
    for n in range(5):
        desk.refuse(b"%d" % n)
    assert await desk.retry(limit=2) == Retried(sent=2)
    assert await desk.retry(limit=2) == Retried(sent=2, earlier=2)
    assert await desk.retry(limit=2) == Retried(sent=1, earlier=4)
    assert [record.value for record in desk.records()] == [b"0", b"1", b"2", b"3", b"4"]


async def test_more_than_one_batch_is_sent_whole_and_in_order(desk: Desk) -> None:
    count = 2 * BATCH_LETTERS + 3
    for n in range(count):
        desk.refuse(b"%d" % n)
    assert await desk.retry() == Retried(sent=count)
    assert [record.value for record in desk.records()] == [b"%d" % n for n in range(count)]


async def test_what_could_not_be_sent_is_not_noted_as_sent(desk: Desk) -> None:
    desk.refuse()
    desk.failing = True
    with pytest.raises(PublishFailed):
        await desk.retry()
    desk.failing = False
    assert await desk.retry() == Retried(sent=1)


async def test_a_letter_from_no_topic_of_ours_stays(desk: Desk) -> None:
    desk.refuse(topic="t.recommendations")
    desk.refuse(topic="other.events.interactions")
    assert await desk.retry() == Retried(foreign=2)


async def test_a_letter_that_is_not_the_whole_message_stays(desk: Desk) -> None:
    desk.refuse(b"x" * (3 << 20))
    desk.refuse()
    assert await desk.retry() == Retried(sent=1, cut=1)
    assert await desk.retry(again=True) == Retried(sent=1, cut=1)
    assert [record.value for record in desk.records()] == [b"junk", b"junk"]


async def test_a_letter_that_stands_for_a_batch_stays(desk: Desk) -> None:
    desk.refuse(None, key=None, headers=((NOT_UNPACKED, b"too large"),))
    assert await desk.retry() == Retried(cut=1)


async def test_a_signal_goes_back_to_the_partition_that_its_item_needs(desk: Desk) -> None:
    desk.refuse(topic="t.state.signals", key=None)
    await desk.retry()
    assert [(record.partition, record.value) for record in desk.records("t.state.signals")] == [(2, b"junk")]


async def test_a_letter_that_kafka_refuses_holds_up_no_other(desk: Desk) -> None:
    for value in (b"one", b"x" * 100, b"two"):
        desk.refuse(value)
    kafka = RefusingPublisher()
    kafka.limits["t.events.interactions"] = 10
    done = await retry(desk.letters(), Choice(), kafka, namespace=Namespace(PREFIX))
    assert done == Retried(sent=2, refused=1)
    assert [message.value for message in kafka.to("t.events.interactions")] == [b"one", b"two"]
    assert len(kafka.to(DEAD)) == 2


async def test_where_a_topic_takes_nothing_no_letter_is_noted_as_sent(desk: Desk) -> None:
    desk.refuse()
    kafka = RefusingPublisher()
    kafka.errors["t.events.interactions"] = KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(PublishFailed, match="`sightline topics acls worker`"):
        await retry(desk.letters(), Choice(), kafka, namespace=Namespace(PREFIX))
    assert kafka.messages == []


async def test_a_signal_that_kafka_refused_goes_back_to_its_partition(desk: Desk) -> None:
    refused = Refused(Message("t.state.signals", b"i1", b"s", partition=3), KafkaError(TOO_LARGE))
    letter = unpublishable(refused, namespace=Namespace(PREFIX))
    desk.log.append(DEAD, 1, letter.key, letter.value)
    assert await desk.retry() == Retried(sent=1)
    assert [(record.partition, record.value) for record in desk.records("t.state.signals")] == [(3, b"s")]
