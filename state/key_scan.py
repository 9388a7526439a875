"""Scans keys and values of Redis; proves that a user was erased."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from redis.exceptions import ResponseError

from state.keys import names_of
from state.redis import Client, reporting

_AT_ONCE: Final = 200


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


async def scan(client: Client, pattern: str) -> AsyncIterator[list[bytes]]:
    """Yield the keys of a server or cluster that match a glob pattern, some at a time; raises errors of Redis."""
    keys: list[bytes] = []
    async for key in client.scan_iter(match=pattern, count=1000):
        keys.append(key)
        if len(keys) == _AT_ONCE:
            yield keys
            keys = []
    if keys:
        yield keys


async def get_bytes(client: Client, key: str | bytes) -> bytes | None:
    """Return a value; None if it is missing or no string. Raises errors of Redis."""
    try:
        value = await client.get(key)
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        return None
    return value if isinstance(value, bytes) else None
