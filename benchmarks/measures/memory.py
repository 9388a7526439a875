"""The size of a user in Redis and of an item in the memory of a worker."""

import asyncio
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.harness.catalogue import draw_items
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.resident_memory import resident_bytes
from deploy.service import Progress
from features.item import key_of
from features.profile import Action, Profile, profile_after
from inference.catalog.catalog import Catalog
from state.keys import Keys
from state.partitions import START
from state.profiles import ProfileCommit, ProfileStore
from state.redis import Client, RedisPartitions, connect
from streams.settings import Settings

EVENTS = 100
_AT_ONCE = 500
_STEP_MS = 60_000
_NOON = 1_767_268_800_000
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in Redis a user with 100 events (key, value and overhead), and bytes in a worker an item."""

    redis_bytes_per_user: float
    worker_bytes_per_item: float


def measure_memory(settings: Settings, *, users: int, items: int, progress: Progress = lambda _: None) -> Memory:
    """Fill a separate Redis with users, and a catalogue in this process with items."""
    with own_stack(settings, progress, services=("redis",)) as (own, endpoints):
        per_user = asyncio.run(_fill(endpoints.redis, own.partitions, users, progress))
    return Memory(round(per_user, 1), round(_item_bytes(settings.dimensions, items, progress), 1))


async def _fill(url: str, partitions: int, users: int, progress: Progress) -> float:
    client = connect(url)
    try:
        store = ProfileStore(RedisPartitions(client, Keys(""), observe=_ignore))
        random = np.random.default_rng(0)
        # Users share these profiles: profiles are slow to make, and only their size counts.
        drawn = [_profile(random) for _ in range(100)]
        before = await _used(client)
        positions = dict.fromkeys(range(partitions), START)
        for start in range(0, users, _AT_ONCE):
            partition = start // _AT_ONCE % partitions
            profiles = {f"user-{n}": drawn[n % len(drawn)] for n in range(start, min(start + _AT_ONCE, users))}
            position = positions[partition] + 1
            await store.commit([ProfileCommit(partition, positions[partition], position, profiles)])
            positions[partition] = position
            progress(f"{min(start + _AT_ONCE, users):,} of {users:,} users")
        return (await _used(client) - before) / users
    finally:
        await client.aclose()


def _profile(random: np.random.Generator) -> Profile:
    return profile_after(
        Action(key_of(f"e{number}-{item}"), key_of(f"item-{item}"), 1.0, _NOON + number * _STEP_MS)
        for number, item in enumerate(random.integers(1_000_000, size=EVENTS))
    )


async def _used(client: Client) -> int:
    found = await client.info("memory")
    return int(found["used_memory"])


def _ignore(_op: str, _seconds: float | None) -> None:
    pass


def _item_bytes(dimensions: int, items: int, progress: Progress) -> float:
    catalog = Catalog(dimensions)
    # Temporary memory of the drawing is allocated before the count begins.
    _add(catalog, dimensions, 0, _CHUNK)
    before = resident_bytes()
    for start in range(_CHUNK, items + _CHUNK, _CHUNK):
        _add(catalog, dimensions, start, _CHUNK)
        progress(f"{start:,} of {items:,} items")
    return (resident_bytes() - before) / (len(catalog.item_ids) - _CHUNK)


def _add(catalog: Catalog, dimensions: int, start: int, count: int) -> None:
    drawn = draw_items(count, dimensions, seed=start)
    changes = ((f"item-{start + number}", item) for number, item in enumerate(drawn))
    catalog.apply((name, replace(item, item_id=name)) for name, item in changes)
