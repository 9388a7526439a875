"""What `sightline positions` does: it shows how far the state has read, and skips what its topics have lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rich.table import Table

from cli.output import print_json, results
from deploy.local import Stack
from state.partitions import PartitionStore
from state.redis import RedisPartitions, connect
from streams.credentials import kafka_security, redis_access
from streams.kafka.admin import read_log
from streams.kafka.continuity import Log, skip_lost
from streams.settings import Settings, read_settings
from streams.wire import topics
from streams.wire.namespace import Namespace


@dataclass(frozen=True, slots=True)
class Row:
    """One partition: the last offset that the state holds (-1: none), and the topic's first and end offset."""

    topic: str
    partition: int
    position: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many offsets of a partition were skipped."""

    topic: str
    partition: int
    lost: int


def print_positions(as_json: bool) -> None:
    """Print each partition's position beside the offsets that Kafka still has."""
    rows = asyncio.run(_show(read_settings()))
    if as_json:
        print_json({"positions": rows})
        return
    table = Table("topic", "partition", "position", "first", "end")
    for row in rows:
        table.add_row(row.topic, *map(str, (row.partition, row.position, row.first, row.end)))
    results().print(table)


def skip_deleted(as_json: bool) -> None:
    """Skip the events that retention deleted before they were applied, and print how many."""
    skipped = asyncio.run(_skip(read_settings()))
    if as_json:
        print_json({"skipped": skipped})
        return
    for one in skipped:
        results().print(f"{one.topic}[{one.partition}]: {one.lost} offsets skipped")
    if not skipped:
        results().print("nothing was lost: no position was changed")


async def _show(settings: Settings) -> list[Row]:
    rows = []
    async with _stored(settings) as stored:
        for log, store in stored:
            positions = await store.positions(sorted(log.extents))
            rows += [Row(log.topic, p, at, log.extents[p].first, log.extents[p].end) for p, at in positions.items()]
    return rows


async def _skip(settings: Settings) -> list[Skipped]:
    async with _stored(settings) as stored:
        return [
            Skipped(log.topic, partition, lost)
            for log, store in stored
            for partition, lost in (await skip_lost(log, store)).items()
        ]


@asynccontextmanager
async def _stored(settings: Settings) -> AsyncIterator[list[tuple[Log, PartitionStore]]]:
    """The log of each source topic, with the store of its positions."""
    found = Stack(settings).endpoints()
    namespace, security = Namespace(settings.topic_prefix), kafka_security(settings)
    client = connect(found.redis, access=redis_access(settings))
    try:
        yield [
            (
                read_log(found.kafka, namespace.topic(topic), security=security),
                RedisPartitions(client, keys, observe=lambda _op, _seconds: None),
            )
            for topic, keys in ((topics.INTERACTIONS, namespace.profile_keys), (topics.SIGNALS, namespace.item_keys))
        ]
    finally:
        await client.aclose()
