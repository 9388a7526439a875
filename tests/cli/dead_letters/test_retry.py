import pytest
from kafka import KafkaConsumer  # type: ignore[import-untyped]  # ships no types

from tests.cli.conftest import Run, last_json
from tests.conftest import RunningStack


@pytest.mark.stack
@pytest.mark.usefixtures("refused")
def test_letters_are_sent_back_once(command: Run, here: Run, stack: RunningStack, topic_prefix: str) -> None:
    reason = ("--reason", "unknown_type", "--json")
    planned = last_json(here("dead-letters", "retry", "--dry-run", *reason))
    assert planned == {"dry_run": True, "sent": 1, "earlier": 0, "foreign": 0, "cut": 0, "refused": 0}
    assert last_json(command("dead-letters", "retry", *reason))["sent"] == 1
    assert last_json(here("dead-letters", "retry", *reason)) == planned | {"dry_run": False, "sent": 0, "earlier": 1}
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
    listed = last_json(here("dead-letters", "list", "--json"))
    assert [each["retried"] for each in listed["letters"]] == [True, False]
