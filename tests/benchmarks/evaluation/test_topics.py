from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from benchmarks.evaluation.log import Event, UnreadableLog
from benchmarks.evaluation.topics import read_topics
from features.item import Item
from state.codec import encode_item
from streams.kafka.log_reader import Extent
from streams.privacy.control_records import UNSIGNED
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.topics import CATALOG, INTERACTIONS

NOW = 1_700_000_000_000


class Topics:
    """A LogReader of one partition for each of these topics."""

    def __init__(self, **records: list[Record]) -> None:
        self._records = records

    def extent(self, topic: str, partition: int) -> Extent:
        return Extent(0, len(self._records.get(topic, ())))

    def offset_at(self, topic: str, partition: int, at_ms: int) -> int:
        return 0

    def read(self, topic: str, partition: int, first: int, end: int) -> Iterator[Record]:
        return iter(self._records.get(topic, [])[first:end])


def record(topic: str, offset: int, at_ms: int, key: str, value: bytes | None) -> Record:
    return Record(topic, 0, offset, at_ms, key.encode(), value)


def click(offset: int, at_ms: int, item: str) -> Record:
    event = {"event_id": f"e{offset}", "type": "click", "user_id": "u", "item_id": item, "occurred_at_ms": at_ms}
    return record(INTERACTIONS.name, offset, at_ms, "u", msgspec.json.encode(event))


def test_events_and_items_are_read_and_what_agents_refuse_is_left_out() -> None:
    item = Item("i1", NOW, uploaded_at_ms=NOW, embeddings={"e@1": bytes(8)})
    reader = Topics(
        **{
            INTERACTIONS.name: [
                click(0, NOW, "i1"),
                record(INTERACTIONS.name, 1, NOW, "u", b"?"),
                click(2, NOW + 5, "i2"),
            ],
            CATALOG.name: [
                record(CATALOG.name, 0, NOW, "i1", encode_item(item)),
                record(CATALOG.name, 1, NOW, "i2", encode_item(Item("i2", NOW, embeddings={"e@1": bytes(8)}))),
                record(CATALOG.name, 2, NOW, "i2", None),
            ],
        }
    )
    log = read_topics(reader, Namespace(""), 1, UNSIGNED)
    assert log.events == [Event("u", "i1", "click", NOW), Event("u", "i2", "click", NOW + 5)]
    assert list(log.items) == ["i1"]


def request(offset: int, kind: str) -> Record:
    asked = msgspec.convert(
        {"event_id": f"p{offset}", "type": kind, "user_id": "u", "occurred_at_ms": NOW}, PrivacyRequest
    )
    source = record("events.privacy", offset, NOW, "u", b"")
    message = UNSIGNED.message(asked, source, namespace=Namespace(""))
    return replace(record(INTERACTIONS.name, offset, NOW, "u", message.value), headers=message.headers)


@pytest.mark.parametrize(
    ("kind", "left"), [("forget", ["i2"]), ("reset", ["i2"]), ("opt_out", []), ("opt_in", ["i1", "i2"])]
)
def test_what_users_took_back_is_left_out(kind: str, left: list[str]) -> None:
    records = [click(0, NOW, "i1"), request(1, kind), click(2, NOW + 5, "i2")]
    reader = Topics(**{INTERACTIONS.name: [*records, *other_user(3)]})
    log = read_topics(reader, Namespace(""), 1, UNSIGNED)
    assert [event.item for event in log.events if event.user == "u"] == left


def events(*given: dict[str, object]) -> list[Event]:
    records = [
        record(
            INTERACTIONS.name,
            offset,
            NOW + offset,
            "u",
            msgspec.json.encode(
                {"event_id": f"e{offset}", "user_id": "u", "item_id": "i", "occurred_at_ms": NOW + offset, **each}
            ),
        )
        for offset, each in enumerate(given)
    ]
    return list(read_topics(Topics(**{INTERACTIONS.name: records}), Namespace(""), 1, UNSIGNED).events)


def test_an_event_that_an_app_repeats_counts_once() -> None:
    once: dict[str, object] = {"type": "purchase", "event_id": "order-1"}
    assert [event.at_ms for event in events(once, {"type": "click"}, once, once)] == [NOW, NOW + 1]


def test_of_a_clip_the_share_that_was_watched_counts_and_an_upload_is_no_choice() -> None:
    watched, upload = events(
        {"type": "view", "dwell_ms": 6_000, "duration_ms": 8_000, "rec_id": "0-1"}, {"type": "upload"}
    )
    assert (watched.weight, watched.rec_id) == (0.75, "0-1")
    assert (upload.weight, upload.choice, upload.is_chosen) == (1.5, 0.0, False)


def test_the_name_of_a_page_names_no_list() -> None:
    seen: dict[str, object] = {"type": "view"}
    found = events(seen | {"rec_id": "home"}, seen | {"rec_id": "3-48121"})
    assert [event.rec_id for event in found] == [None, "3-48121"]


@pytest.mark.parametrize("kind", ["forget", "reset"])
def test_what_is_sent_again_after_its_user_took_it_back_does_not_count(kind: str) -> None:
    reader = Topics(
        **{INTERACTIONS.name: [click(0, NOW - 5, "i1"), request(1, kind), click(0, NOW - 5, "i1"), *other_user(3)]}
    )
    assert [event.user for event in read_topics(reader, Namespace(""), 1, UNSIGNED).events] == ["v"]


@pytest.mark.parametrize("kind", ["forget", "reset", "opt_out"])
def test_a_request_that_the_agents_repeat_takes_nothing_back_again(kind: str) -> None:
    """It is written twice where a worker stops between its messages and its position."""
    records = [request(1, kind), request(2, "opt_in"), click(3, NOW + 5, "i2"), request(1, kind)]
    log = read_topics(Topics(**{INTERACTIONS.name: records}), Namespace(""), 1, UNSIGNED)
    assert [event.item for event in log.events] == ["i2"]


def other_user(offset: int) -> list[Record]:
    event = {"event_id": "o", "type": "click", "user_id": "v", "item_id": "i1", "occurred_at_ms": NOW}
    return [record(INTERACTIONS.name, offset, NOW, "v", msgspec.json.encode(event))]


def test_topics_without_interactions_are_refused() -> None:
    with pytest.raises(UnreadableLog, match="holds no interaction"):
        read_topics(Topics(), Namespace(""), 1, UNSIGNED)
