import json

import pytest
import typer
from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]  # ships no types

from cli.operate.dead_letters import parse_age, printable, readable, without_quotes
from streams.errors import InvalidEvent
from streams.processing.dead_letters import dead_letter
from streams.wire.records import Record
from tests.cli.conftest import Run, last_json
from tests.conftest import RunningStack

SECRET = "anna@example.org"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u202egnp.exe".encode(), "\\u202egnp.exe"),
        (b"\xc2\x9b31m", "\\x9b31m"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ],
)
def test_bytes_are_shown_without_anything_that_a_terminal_obeys(data: bytes, text: str) -> None:
    assert readable(data) == text


def test_a_lone_surrogate_is_shown_escaped() -> None:
    assert printable("\ud800") == "\\ud800"


@pytest.mark.parametrize(
    "error",
    [
        f"the key is b'{SECRET}' but user_id is '{SECRET}'",
        f"""the key is b"o'{SECRET}" but user_id is "o'{SECRET}\"""",
        f"Invalid enum value '{SECRET}' - at `$.type`",
        f"the key is 'it\\'s {SECRET}'",
    ],
)
def test_an_error_is_listed_without_what_it_quotes(error: str) -> None:
    assert SECRET not in without_quotes(error)
    assert without_quotes(error).startswith(error[:7])


def test_an_error_keeps_the_place_that_it_names() -> None:
    assert without_quotes("Expected `int`, got `str` - at `$.price`") == "Expected `int`, got `str` - at `$.price`"


@pytest.mark.parametrize(
    ("text", "age_ms"), [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("7d", 604_800_000)]
)
def test_an_age_has_a_unit(text: str, age_ms: int) -> None:
    assert parse_age(text) == age_ms


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "1.5h", "2y", "²h", "9" * 99 + "d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no age"):
        parse_age(text)


@pytest.fixture
def refused(stack: RunningStack, topic_prefix: str, command: Run) -> None:
    """Two messages were refused: one with an unknown type and what a terminal obeys, one without a key."""
    unknown = Record(
        f"{topic_prefix}events.interactions",
        1,
        8,
        1_767_268_800_000,
        b"u1",
        b'{"type":"\x1b[31mteleport"}',
        (("h", b"\x07"),),
    )
    no_key = Record(f"{topic_prefix}events.items", 2, 9, 1_767_268_800_000, None, SECRET.encode())
    errors = InvalidEvent("unknown_type", f"Invalid enum value '{SECRET}'"), InvalidEvent("no_key", "no key")
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    for record, error in zip((unknown, no_key), errors, strict=True):
        letter = dead_letter(record, error, prefix=topic_prefix)
        producer.send(letter.topic, value=letter.value, key=letter.key, partition=3)
    producer.close()


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_a_list_tells_where_letters_came_from_and_nothing_of_what_they_say(command: Run) -> None:
    for words in ([], ["--json"]):
        listed = command("dead-letters", "list", *words)
        assert listed.returncode == 0, listed.stderr
        assert SECRET not in listed.stdout
        assert "unknown_type" in listed.stdout
    assert [each["address"] for each in last_json(listed)["letters"]] == ["3-0", "3-1"]
    assert last_json(command("dead-letters", "list", "--reason", "no_key", "--json"))["count"] == 1
    assert (
        last_json(command("dead-letters", "list", "--since", "1h", "--topic", "events.users", "--json"))["count"] == 0
    )


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_a_letter_is_shown_whole_with_control_characters_escaped(command: Run) -> None:
    shown = command("dead-letters", "show", "3-0")
    assert "\\x1b[31mteleport" in shown.stdout
    assert "header h: \\x07" in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    assert json.loads(command("dead-letters", "show", "3-1", "--json").stdout)["reason"] == "no_key"


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_an_address_without_a_letter_is_an_error(command: Run) -> None:
    shown = command("dead-letters", "show", "3-77")
    assert (shown.returncode, "there is no dead letter 3-77" in shown.stderr) == (2, True)


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_letters_are_sent_back_once(command: Run, stack: RunningStack, topic_prefix: str) -> None:
    reason = ("--reason", "unknown_type", "--json")
    planned = last_json(command("dead-letters", "retry", "--dry-run", *reason))
    assert planned == {"dry_run": True, "sent": 1, "earlier": 0, "foreign": 0, "cut": 0}
    assert last_json(command("dead-letters", "retry", *reason))["sent"] == 1
    assert last_json(command("dead-letters", "retry", *reason)) == planned | {"dry_run": False, "sent": 0, "earlier": 1}
    consumer = KafkaConsumer(
        f"{topic_prefix}events.interactions",
        bootstrap_servers=stack.endpoints.kafka,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
    )
    (record,) = list(consumer)
    consumer.close()
    assert (record.key, record.value) == (b"u1", b'{"type":"\x1b[31mteleport"}')
    assert ("sightline-attempt", b"2") in record.headers
    listed = last_json(command("dead-letters", "list", "--json"))
    assert [each["retried"] for each in listed["letters"]] == [True, False]
