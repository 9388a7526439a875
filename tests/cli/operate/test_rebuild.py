import asyncio

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import TopicPartition

from sightline_client.routing import partition_of
from state.keys import Keys
from state.redis import RedisPartitions, connect
from streams.errors import LogMismatch
from streams.kafka.admin import read_log
from streams.kafka.continuity import check_log
from tests.cli.conftest import Run, clicks, last_json
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


def publish(here: Run, count: int) -> int:
    """Publish clicks of u1; the partition on which they lie."""
    assert here("publish", "--file", "-", stdin=clicks(*[("u1", "i1")] * count)).returncode == 0
    return partition_of(b"u1", 4)


def check(stack: RunningStack, prefix: str, partition: int) -> None:
    """What a worker asks before it takes a partition up."""

    async def run() -> None:
        client = connect(stack.endpoints.redis)
        store = RedisPartitions(client, Keys(prefix), observe=lambda _op, _seconds: None)
        try:
            await check_log(read_log(stack.endpoints.kafka, f"{prefix}events.interactions"), store, [partition])
        finally:
            await client.aclose()

    asyncio.run(run())


def spoil(stack: RunningStack, prefix: str, partition: int) -> None:
    """Claim that a topic of another time led here."""

    async def run() -> None:
        client, keys = connect(stack.endpoints.redis), Keys(prefix)
        await client.set(keys.position(partition), "7")
        await client.set(keys.value(partition, "topic"), "another")
        await client.aclose()

    asyncio.run(run())


def test_what_the_workers_refuse_to_go_on_with_is_made_right_by_the_command_they_name(
    command: Run, here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    partition = publish(here, 1)
    spoil(stack, topic_prefix, partition)
    with pytest.raises(LogMismatch, match="sightline rebuild"):
        check(stack, topic_prefix, partition)
    rebuilt = command("rebuild", "--json")
    assert (rebuilt.returncode, last_json(rebuilt)["removed_keys"]) == (0, 1)
    check(stack, topic_prefix, partition)
    report = last_json(here("verify", "--json"))
    # No worker has handled the event: it is theirs.
    assert (report["ok"], report["pending"]) == (True, 1)


def test_a_log_without_its_first_events_is_refused_and_says_what_is_lost(
    here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    partition = publish(here, 3)
    admin = AdminClient({"bootstrap.servers": stack.endpoints.kafka})
    for cut in admin.delete_records([TopicPartition(f"{topic_prefix}events.interactions", partition, 2)]).values():
        cut.result()
    refused = here("rebuild")
    assert refused.returncode == 2
    assert "no longer has its first 2 records" in refused.stderr
    assert "--from-earliest" in refused.stderr
    accepted = here("rebuild", "--from-earliest", "--json")
    assert (accepted.returncode, last_json(accepted)["lost"]) == (0, {str(partition): 2})
    assert "the first 2 records are lost" in here("rebuild", "--from-earliest").stdout


def test_an_empty_system_is_rebuilt_in_no_time(here: Run) -> None:
    rebuilt = last_json(here("rebuild", "--json"))
    assert (rebuilt["events"], rebuilt["signals"], rebuilt["items"], rebuilt["lost"]) == (0, 0, 0, {})
