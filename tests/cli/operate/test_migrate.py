import asyncio

import pytest

from state.keys import Keys
from state.redis import connect
from tests.cli.conftest import Run, last_json
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack


def age(stack: RunningStack, prefix: str) -> None:
    """Give a partition's keys the names that version 0.1 gave them."""

    async def run() -> None:
        client, keys = connect(stack.endpoints.redis), Keys(prefix)
        for name in ("position", "topic", "profile:9c56"):
            await client.set(f"{{{prefix}0}}:{name}", "7")
            await client.unlink(keys.value(0, name))
        await client.aclose()

    asyncio.run(run())


def test_a_state_of_version_0_1_is_refused_by_rebuild_and_worker_and_renamed_by_the_command_they_name(
    command: Run, here: Run, stack: RunningStack, topic_prefix: str
) -> None:
    age(stack, topic_prefix)
    for refused in (here("rebuild"), command("worker", "items")):
        assert (refused.returncode, "run `sightline migrate`" in refused.stderr) == (2, True)
        assert "Traceback" not in refused.stderr
    assert last_json(command("migrate", "--json")) == {"renamed_keys": 2}
    assert "nothing to migrate" in here("migrate").stdout
    assert last_json(here("positions", "show", "--json"))["positions"][0]["position"] == 7
