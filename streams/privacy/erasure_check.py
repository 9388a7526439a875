"""Finds the places that still hold a user's id: Redis, and the latest record of each key in the compacted topics."""

import asyncio
import re
from collections.abc import Callable

from state.keys import names_of
from state.redis import Client, connect, get_bytes, reporting, scan
from streams.credentials import kafka_security, redis_access
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.topics import CATALOG, EXPORTS, RECOMMENDATIONS

#: Shorter ids are searched in text only: in the numbers of a packed value they occur by chance.
_BINARY_SEARCH_MIN_LENGTH = 6


async def find_traces(settings: Settings, kafka: str, redis: str, user_id: str) -> list[str]:
    """The names of the places that hold the id; raises StateUnavailable and BrokerUnavailable."""
    client = connect(redis, access=redis_access(settings))
    log = KafkaLogReader(kafka, security=kafka_security(settings))
    try:
        holds = holder_of(user_id)
        namespace = Namespace(settings.topic_prefix)
        found = [f"Redis {key}" for key in await find_keys(client, namespace.prefix, holds)]
        return found + find_records(log, namespace, settings.partitions, holds)
    finally:
        log.close()
        await client.aclose()


async def find_keys(client: Client, app: str, holds: Callable[[bytes], bool]) -> list[str]:
    """Return the keys of an app whose name or value `holds`; raises StateUnavailable."""
    found: list[str] = []
    async with reporting("scan", lambda _op, _seconds: None):
        async for keys in scan(client, f"{names_of(app)}*"):
            values = await asyncio.gather(*(get_bytes(client, key) for key in keys))
            found += [
                key.decode(errors="replace")
                for key, value in zip(keys, values, strict=True)
                if holds(key) or holds(value or b"")
            ]
    return found


def find_records(log: LogReader, namespace: Namespace, partitions: int, holds: Callable[[bytes], bool]) -> list[str]:
    """The records that hold the id in their key or value, among the latest record of each key in the compacted topics.

    A tombstone (a record without a value) is no trace, even if its key holds the id: it makes compaction remove the
    earlier records of its key, and is then removed itself.
    """
    found = []
    for name in (namespace.topic(topic) for topic in (RECOMMENDATIONS, CATALOG, EXPORTS)):
        for partition in range(partitions):
            extent = log.extent(name, partition)
            latest: dict[bytes | None, Record] = {}
            for record in log.read(name, partition, extent.first, extent.end):
                latest[record.key] = record
            found += [
                f"{name}[{partition}] offset {record.offset}"
                for record in latest.values()
                if record.value is not None and (holds(record.value) or holds(record.key or b""))
            ]
    return found


def holder_of(user_id: str) -> Callable[[bytes], bool]:
    """A function that returns whether bytes hold the id as a whole word.

    >>> holds = holder_of("u1")
    >>> holds(b'{"owner":"u1"}'), holds(b"{3}:profile:u1"), holds(b'{"owner":"u11"}')
    (True, True, False)
    """
    word = re.compile(rb"(?<![A-Za-z0-9])" + re.escape(user_id.encode()) + rb"(?![A-Za-z0-9])")

    def holds(data: bytes) -> bool:
        return word.search(data) is not None and (len(user_id) >= _BINARY_SEARCH_MIN_LENGTH or _is_text(data))

    return holds


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data
