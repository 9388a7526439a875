import asyncio

import pytest

from state.keys import Keys
from state.partitions import START, Commit
from state.redis import RedisPartitions, connect
from tests.cli.conftest import Run, last_json
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


def publish(here: Run, event: str) -> int:
    """Publish a click of u1; the partition on which it lies."""
    words = ("--type", "click", "--user", "u1", "--item", "i1", "--event-id", event, "--json")
    return int(last_json(here("publish", *words))["partition"])


def store_position(stack: RunningStack, prefix: str, partition: int, position: int) -> None:
    """Claim that everything up to a position is applied."""

    async def store() -> None:
        client = connect(stack.endpoints.redis)
        partitions = RedisPartitions(client, Keys(prefix), observe=lambda _op, _seconds: None)
        assert await partitions.commit([Commit(partition, START, position, {})]) == {}
        await client.aclose()

    asyncio.run(store())


def test_what_waits_to_be_applied_is_no_difference(command: Run, here: Run) -> None:
    publish(here, "e1")
    verified = command("verify", "--json")
    report = last_json(verified)
    assert (verified.returncode, report["ok"], report["pending"], report["events"]) == (0, True, 1, 0)
    assert "no difference" in here("verify").stdout


def test_an_event_that_was_skipped_is_a_difference_and_exit_code_1(
    here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    partition = publish(here, "e1")
    store_position(stack, topic_prefix, partition, 0)
    verified = here("verify", "--json")
    report = last_json(verified)
    assert (verified.returncode, report["ok"], report["lost"], report["unanswered"]) == (1, False, 1, 1)
    assert report["differences"][0]["name"] == "u1"
    shown = here("verify")
    assert (shown.returncode, "the state is NOT what the log says" in shown.stdout) == (1, True)


def test_a_position_that_the_topic_does_not_reach_is_an_error(
    here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    store_position(stack, topic_prefix, 2, 7)
    verified = here("verify")
    assert (verified.returncode, "created anew" in verified.stderr) == (2, True)
