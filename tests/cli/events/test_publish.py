import io
import json
import shutil
import subprocess
from itertools import islice
from typing import Any

import pytest
from kafka import KafkaConsumer  # type: ignore[import-untyped]  # ships no types
from msgspec import UNSET

from cli.events.publish import read_lines, to_event
from sightline_client.routing import partition_of
from streams.errors import InvalidEvent
from streams.wire.events import Interaction, ItemChange, Upload
from tests.cli.conftest import Run, last_json, run_here
from tests.conftest import RunningStack

NOON = 1_767_268_800_000


def test_a_line_with_a_type_is_an_interaction() -> None:
    event = to_event({"event_id": "c-1", "type": "click", "user_id": "u1", "item_id": "i9", "occurred_at_ms": NOON})
    assert event == Interaction(event_id="c-1", type="click", user_id="u1", item_id="i9", occurred_at_ms=NOON)


def test_a_line_with_a_picture_is_an_upload() -> None:
    assert isinstance(to_event({"item_id": "i9", "user_id": "u1", "image_ref": "a.jpg"}), Upload)


def test_any_other_line_is_an_item_change() -> None:
    assert isinstance(to_event({"item_id": "i9", "price": 5}), ItemChange)


@pytest.mark.parametrize(("fields", "named"), [({}, "none"), ({"prise": 5, "Title": "x"}, "'Title', 'prise'")])
def test_an_item_change_that_says_nothing_is_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidEvent, match=f"no field that is known: it has {named}"):
        to_event({"item_id": "i9"} | fields)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"hidden": None}, "'hidden'"),
        ({"in_stock": None, "price": None}, "'in_stock', 'price'"),
    ],
)
def test_an_item_change_of_nulls_that_take_nothing_away_is_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidEvent, match=f"says nothing: null for {named} takes nothing away"):
        to_event({"item_id": "i9"} | fields)


def test_a_refusal_names_few_fields_and_little_of_each() -> None:
    with pytest.raises(InvalidEvent) as refused:
        to_event({"item_id": "i9"} | {f"{number:03}" + "x" * 500: 1 for number in range(300)})
    assert len(str(refused.value)) < 700


def test_null_in_a_line_takes_a_value_away() -> None:
    event = to_event({"item_id": "i9", "price": None})
    assert isinstance(event, ItemChange)
    assert (event.price, event.title) == (None, UNSET)


def test_an_id_is_made_where_none_is_given() -> None:
    first, second = (to_event({"item_id": "i9", "price": 5}) for _ in range(2))
    assert first.event_id != second.event_id


@pytest.mark.parametrize("line", [b"{junk", b"[]", b"\xff", b'{"type":"teleport"}', b'{"x":' + b"[" * 9999])
def test_a_wrong_line_is_named(line: bytes) -> None:
    lines = io.BytesIO(b'{"item_id":"i9","price":5}\n\n' + line + b"\n")
    with pytest.raises(InvalidEvent, match="line 3 cannot be published, the 2 lines before it are"):
        list(read_lines(lines))


def published(stack: RunningStack, topic: str, count: int) -> list[tuple[str, int, dict[str, Any]]]:
    """The first records of a topic: key, partition, event."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=stack.endpoints.kafka, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    records = list(islice(consumer, count))
    consumer.close()
    return [(record.key.decode(), record.partition, json.loads(record.value)) for record in records]


@pytest.mark.stack
def test_a_click_from_flags_lies_at_its_user(command: Run, stack: RunningStack, topic_prefix: str) -> None:
    result = command("publish", "--type", "click", "--user", "u1", "--item", "i9", "--event-id", "c-1", "--json")
    assert last_json(result) == {
        "published": 1,
        "event_id": "c-1",
        "topic": f"{topic_prefix}events.interactions",
        "partition": partition_of(b"u1", 4),
        "offset": 0,
    }


@pytest.mark.stack
def test_json_lines_go_to_their_topics(command: Run, stack: RunningStack, topic_prefix: str) -> None:
    lines = '{"type":"view","user_id":"u2","item_id":"i3"}\n{"item_id":"i3","price":5}\n'
    result = command("publish", "--file", "-", "--json", stdin=lines)
    assert (result.returncode, last_json(result)["published"]) == (0, 2)
    (key, _, event) = published(stack, f"{topic_prefix}events.items", 1)[0]
    assert (key, event["price"]) == ("i3", 5.0)


@pytest.mark.stack
def test_the_lines_before_a_wrong_one_are_published(command: Run, stack: RunningStack, topic_prefix: str) -> None:
    result = command("publish", "--file", "-", stdin='{"type":"view","user_id":"u2","item_id":"i3"}\n{junk\n')
    assert result.returncode == 2
    assert "line 2 cannot be published" in result.stderr
    assert published(stack, f"{topic_prefix}events.interactions", 1)[0][2]["item_id"] == "i3"


@pytest.mark.stack
def test_an_unknown_type_ends_2_and_names_the_known_ones(command: Run) -> None:
    result = command("publish", "--type", "klick", "--user", "u1", "--item", "i9")
    assert result.returncode == 2
    assert "'klick'" in result.stderr
    assert "purchase" in result.stderr


def test_publish_without_kafka_ends_2_and_says_what_to_do() -> None:
    result = run_here("publish", "--type", "click", "--user", "u1", "--item", "i9", variables={"kafka": "127.0.0.1:1"})
    assert result.returncode == 2
    assert "start one with `sightline up`" in result.stderr


def test_publish_without_anything_to_publish_ends_2() -> None:
    result = run_here("publish", "--user", "u1", variables={"kafka": "127.0.0.1:1"})
    assert result.returncode == 2
    assert "--file" in result.stderr


@pytest.mark.stack
@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
def test_clicks_published_with_kcat_lie_where_murmur2_says(
    command: Run, stack: RunningStack, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}events.interactions"
    users = ["u1", "u2", "u3", "shopper-42"]
    for user in users:
        event = {"event_id": f"k-{user}", "type": "click", "user_id": user, "item_id": "i9", "occurred_at_ms": NOON}
        kcat = ["kcat", "-P", "-b", stack.endpoints.kafka, "-t", topic, "-k", user]
        subprocess.run(
            [*kcat, "-X", "partitioner=murmur2_random"], input=json.dumps(event), text=True, timeout=60, check=True
        )
    places = {(key, partition) for key, partition, _ in published(stack, topic, len(users))}
    assert places == {(user, partition_of(user.encode(), 4)) for user in users}
