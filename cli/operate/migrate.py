"""What `sightline migrate` does: it gives the keys of version 0.1 in Redis their present names."""

import asyncio
from contextlib import closing

from rich.progress import Progress, SpinnerColumn, TextColumn

from cli.output import diagnostics, print_json, results
from deploy.local import Endpoints, Stack
from state.migration import migrate
from state.redis import connect
from streams.credentials import kafka_security, redis_access
from streams.kafka.admin_client import AdminConnection
from streams.kafka.groups import refuse_running
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace


def rename_keys(as_json: bool) -> None:
    """Rename the keys of version 0.1, and print how many there were."""
    settings = read_settings()
    endpoints = Stack(settings).endpoints()
    # Workers would write under the old names meanwhile.
    with closing(AdminConnection(endpoints.kafka, security=kafka_security(settings))) as connection:
        refuse_running(connection, Namespace(settings.topic_prefix))
    renamed = asyncio.run(_migrate(settings, endpoints))
    if as_json:
        print_json({"renamed_keys": renamed})
    elif renamed:
        results().print(f"{renamed:,} keys of version 0.1 renamed; start the workers")
    else:
        results().print("nothing to migrate: Redis holds no keys of version 0.1")


async def _migrate(settings: Settings, endpoints: Endpoints) -> int:
    client = connect(endpoints.redis, access=redis_access(settings))
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} keys renamed"))
    try:
        with Progress(*columns, console=diagnostics(), transient=True) as bar:
            task = bar.add_task("keys", total=None)

            def renamed(more: int) -> None:
                bar.advance(task, more)

            return await migrate(client, settings.topic_prefix, settings.partitions, renamed)
    finally:
        await client.aclose()
