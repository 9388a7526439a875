"""Scans all keys and values of Redis; proves that a user was erased."""

import asyncio
from collections.abc import AsyncIterator, Callable

from state.redis import Client, reporting

_AT_ONCE = 200


async def find_keys(client: Client, tag: str, holds: Callable[[bytes], bool]) -> list[str]:
    """Return the keys with a hash tag that begins with `tag` whose name or value `holds`; raises StateUnavailable."""
    found: list[str] = []
    async with reporting("scan", lambda _op, _seconds: None):
        async for keys in _chunks(client, f"{{{tag}*"):
            values = await asyncio.gather(*(client.get(key) for key in keys))
            found += [
                key.decode(errors="replace")
                for key, value in zip(keys, values, strict=True)
                if holds(key) or holds(_bytes(value))
            ]
    return found


async def _chunks(client: Client, pattern: str) -> AsyncIterator[list[bytes]]:
    keys: list[bytes] = []
    async for key in client.scan_iter(match=pattern, count=1000):
        keys.append(_bytes(key))
        if len(keys) == _AT_ONCE:
            yield keys
            keys = []
    yield keys


def _bytes(found: bytes | str | None) -> bytes:
    return found.encode() if isinstance(found, str) else found or b""
