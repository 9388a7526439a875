"""Renames the keys of version 0.1, which began with the hash tag and were not told from those of other products.

A worker never reads them: where they hold a state that has no keys of the present names, it refuses to start.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final, cast

from redis.exceptions import NoPermissionError

from state.errors import OldKeys, StateUnavailable
from state.keys import Keys
from state.pipeline import Command, Pipeline
from state.redis import Client, reporting, scan

#: The names of values, by the kind of their partition.
_VALUES: Final = {
    "": r"position|topic|profile:.*",
    "s": r"position|topic|sources|trends|engaged_from|item:.*|behaviour:.*",
}
_POSITION: Final = re.compile(rb"-?\d+(?: \d+)?")
_INDEX: Final = r"index/\d+/\d+\}:(?:sets|vectors:.*|position:\d+)"

#: Called with the number of keys that were renamed.
Progress = Callable[[int], None]


async def refuse_old_keys(client: Client, app: str, partitions: int) -> None:
    """Raise OldKeys if the state of an app lies under the names of version 0.1; raises StateUnavailable.

    A user who may not see such names sees none.
    """
    try:
        old = [names[0] for keys in _kinds(app) for names in (await _left(client, keys, partitions)).values()]
    except StateUnavailable as error:
        if isinstance(error.__cause__, NoPermissionError):
            return
        raise
    if old:
        raise OldKeys(
            f"Redis holds a state under the key names of version 0.1, such as {old[0]}: stop the workers of that "
            "version and run `sightline migrate`. Nothing was changed"
        )


async def migrate(client: Client, app: str, partitions: int, progress: Progress = lambda _more: None) -> int:
    """Give the keys of version 0.1 their present names; return their number. Raises StateUnavailable.

    Nobody may write meanwhile. Each partition's position is renamed last, so that an interrupted migration is refused
    by the workers, and continues at the next call. The shared index is removed: its writers index the catalogue again.
    """
    renamed = 0
    for keys in _kinds(app):
        moved = await _left(client, keys, partitions)
        names = re.compile(
            rf"\{{{re.escape(app + keys.kind)}(\d+)\}}:((?:\d+:)?(?:{_VALUES[keys.kind]}))".encode(), re.DOTALL
        )
        async with reporting("migrate", lambda _op, _seconds: None):
            async for chunk in scan(client, f"{{{app}{keys.kind}*"):
                found = [match for match in map(names.fullmatch, chunk) if match is not None]
                ours = [match for match in found if int(match[1]) in moved and match[2] != b"position"]
                await asyncio.gather(*(_rename(client, match[0], _present(keys, match)) for match in ours))
                renamed += len(ours)
                progress(len(ours))
            for old, new in moved.values():
                await _rename(client, old, new)
    await _remove_index(client, app)
    return renamed


def _kinds(app: str) -> list[Keys]:
    return [Keys(app, kind) for kind in _VALUES]


def _present(keys: Keys, match: re.Match[bytes]) -> bytes:
    return f"{keys.start}{int(match[1])}}}:".encode() + match[2]


async def _left(client: Client, keys: Keys, partitions: int) -> dict[int, tuple[str, str]]:
    """The old and the present name of the position of each partition that has the old one only, in one round trip.

    A value of another form is somebody else's.
    """
    names = [(f"{{{keys.app}{keys.kind}{p}}}:position", keys.position(p)) for p in range(partitions)]
    calls = [Command(word, name) for pair in names for word, name in zip(("GET", "EXISTS"), pair, strict=True)]
    async with reporting("migrate", lambda _op, _seconds: None):
        answers = await Pipeline(client).send(calls)
        for answer in answers:
            if isinstance(answer, Exception) and not str(answer).startswith("WRONGTYPE"):
                raise answer
    held = zip(answers[::2], answers[1::2], strict=True)
    return {
        partition: names[partition]
        for partition, (old, has_new) in enumerate(held)
        if isinstance(old, bytes) and _POSITION.fullmatch(old) and not has_new
    }


async def _rename(client: Client, old: bytes | str, new: bytes | str) -> None:
    # The names lie in different slots of a cluster where the app has a prefix, so that RENAME cannot be used.
    value, expires_ms = await client.dump(old), await client.pexpiretime(cast(str, old))  # it takes bytes, too
    if value is not None:
        await client.restore(new, max(int(expires_ms), 0), value, replace=True, absttl=True)
        await client.unlink(old)


async def _remove_index(client: Client, app: str) -> None:
    name = re.compile(rf"\{{{re.escape(app)}{_INDEX}".encode(), re.DOTALL)
    async with reporting("migrate", lambda _op, _seconds: None):
        async for chunk in scan(client, f"{{{app}index/*"):
            if ours := [key for key in chunk if name.fullmatch(key)]:
                await client.unlink(*ours)
