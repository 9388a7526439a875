"""The shared index on a separate Redis: the figures of benchmarks/measures/index.py, and the cost of a search."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures.index import COUNT, draw, draw_pictures, percentile
from deploy.redis_cluster import RedisNode
from deploy.service import Progress
from features.item import picture_key
from features.search_filter import NO_FILTER, SearchFilter
from state.redis import Client, connect
from state.vector_sets import NOWHERE, Indexed, Place, VectorSets
from streams.catalog.index_writer import STEP

QUERIES: Final = 400
_EXACT: Final = 100
_ENCODER: Final = "bench@1"
_PARTITIONS: Final = 12
#: Number of categories; items have them in turn.
_CATEGORIES: Final = 40
_ADDS_PER_S: Final = 200
ADDING_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class SharedIndexFigures:
    """`p99_adding_ms` is measured while 200 items a second are added; `cpu_…` is processor time of Redis.

    `recall_…` is among the `pictures` that can be shown, each counted once. `category_…` are figures of searches
    limited to a category that one item in 40 has.
    """

    shards: int
    p50_ms: float
    p99_ms: float
    p99_adding_ms: float
    recall_at_50: float
    adds_per_s: float
    bytes_per_item: float
    exact_p50_ms: float
    cpu_ms_per_search: float
    cpu_ms_per_add: float
    category_p50_ms: float
    category_recall_at_50: float
    copies: float
    expired: float
    pictures: int


@dataclass(frozen=True, slots=True)
class _Items:
    """Vectors [n, d] of items, whose key is their row; the number of the picture each shows [n]; which expired."""

    vectors: NDArray[np.float32]
    shows: NDArray[np.int64]
    expired: NDArray[np.bool_]

    def one_of_each(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """One of rows [n] for each picture that can be shown."""
        living = rows[~self.expired[rows]]
        return living[np.unique(self.shows[living], return_index=True)[1]]

    def pictures(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The keys of the pictures of rows [n]."""
        return np.array([picture_key(each.tobytes()) for each in self.vectors[rows].astype("<f2")], np.uint64)

    def steps(self) -> Iterator[tuple[int, dict[int, Indexed | None]]]:
        """The items in steps, as the partitions of state.catalog deliver them."""
        for start in range(0, len(self.vectors), STEP * _PARTITIONS):
            for partition in range(_PARTITIONS):
                rows = range(start + partition, min(start + STEP * _PARTITIONS, len(self.vectors)), _PARTITIONS)
                if rows:
                    yield (
                        partition,
                        {row: _indexed(row, self.vectors[row], expired=bool(self.expired[row])) for row in rows},
                    )


def measure_shared_index(
    items: int,
    dimensions: int,
    shards: int,
    *,
    copies: float = 0.0,
    expired: float = 0.0,
    adding_s: float = ADDING_S,
    progress: Progress = lambda _: None,
) -> SharedIndexFigures:
    """Fill the shards with clustered unit vectors and search them, one query at a time.

    For the shares of `copies` and `expired` items see `measure_index`.
    """
    random = np.random.default_rng(0)
    shows, centres, vectors = draw_pictures(random, items, dimensions, copies)
    drawn = _Items(vectors[shows], shows, random.permutation(items) < round(expired * items))
    with TemporaryDirectory(prefix="sightline-index-") as home:
        node = RedisNode(Path(home))
        node.start()
        try:
            return asyncio.run(_measure(node.url, drawn, centres, shards, adding_s, progress))
        finally:
            node.end()


async def _measure(
    url: str, items: _Items, centres: NDArray[np.float32], shards: int, adding_s: float, progress: Progress
) -> SharedIndexFigures:
    random, count = np.random.default_rng(1), len(items.vectors)
    queries = draw(random, centres, QUERIES)
    shown, of_category = items.one_of_each(np.arange(count)), items.one_of_each(np.arange(7, count, _CATEGORIES))
    async with _connected(url) as client:
        sets = VectorSets(client, "", shards, observe=_ignore)
        before, begun, cpu_s = await _used_bytes(client), time.perf_counter(), await _cpu_s(client)
        await _fill(sets, items, progress)
        adds_per_s = count / (time.perf_counter() - begun)
        add_ms = (await _cpu_s(client) - cpu_s) * 1000 / count
        size = await _used_bytes(client) - before
        await _expire(sets)
        exact_ms, nearest = _exactly(items.vectors[shown], queries[:_EXACT])
        cpu_s = await _cpu_s(client)
        found_ms, found = await _searched(sets, queries, NO_FILTER)
        search_ms = (await _cpu_s(client) - cpu_s) * 1000 / QUERIES
        category_ms, found_in_it = await _searched(sets, queries[:_EXACT], SearchFilter(category="c7"))
        added = draw(random, centres, int(_ADDS_PER_S * adding_s))
        adding_ms = await _while_adding(url, sets, added, count, queries)
    _, nearest_in_it = _exactly(items.vectors[of_category], queries[:_EXACT])
    return SharedIndexFigures(
        shards=shards,
        p50_ms=percentile(found_ms, 50),
        p99_ms=percentile(found_ms, 99),
        p99_adding_ms=percentile(adding_ms, 99),
        recall_at_50=_recall(found[:_EXACT], [items.pictures(shown[each]) for each in nearest]),
        adds_per_s=round(adds_per_s, 1),
        bytes_per_item=round(size / count, 1),
        exact_p50_ms=percentile(exact_ms, 50),
        cpu_ms_per_search=round(search_ms, 4),
        cpu_ms_per_add=round(add_ms, 4),
        category_p50_ms=percentile(category_ms, 50),
        category_recall_at_50=_recall(found_in_it, [items.pictures(of_category[each]) for each in nearest_in_it]),
        copies=round(1 - len(np.unique(items.shows)) / count, 4),
        expired=round(float(items.expired.mean()), 4),
        pictures=len(shown),
    )


def _indexed(row: int, vector: NDArray[np.float32], *, expired: bool = False) -> Indexed:
    return Indexed({_ENCODER: vector}, f"c{row % _CATEGORIES}", row % 1000 / 10, 1 if expired else None)


async def _expire(sets: VectorSets) -> None:
    for shard in range(sets.shards):
        while await sets.expire(shard, 1, STEP) == STEP:
            pass


async def _fill(sets: VectorSets, items: _Items, progress: Progress) -> None:
    added, places = 0, dict.fromkeys(range(_PARTITIONS), NOWHERE)
    for position, (partition, step) in enumerate(items.steps()):
        places[partition] = await sets.store(partition, places[partition], Place(position, "bench", 0), step)
        added += len(step)
        if position % 100 == 0:
            progress(f"{added:,} of {len(items.vectors):,} added")


async def _searched(
    sets: VectorSets, queries: NDArray[np.float32], search_filter: SearchFilter
) -> tuple[NDArray[np.float64], list[NDArray[np.uint64]]]:
    """Milliseconds of each search [q], and the keys of the pictures that it found."""
    delays, found = [], []
    for query in queries:
        begun = time.perf_counter()
        keys, similarities = await sets.search(_ENCODER, query[None], COUNT, search_filter)
        delays.append((time.perf_counter() - begun) * 1000)
        found.append(keys[similarities > -1])
    return np.array(delays), found


async def _while_adding(
    url: str, sets: VectorSets, vectors: NDArray[np.float32], base: int, queries: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Milliseconds of searches while another connection adds the vectors at a fixed rate."""
    delays: list[NDArray[np.float64]] = []
    async with _connected(url) as client:
        writer = VectorSets(client, "", sets.shards, observe=_ignore)
        adding = asyncio.create_task(_add_paced(writer, vectors, base))
        while not adding.done():
            delays.append((await _searched(sets, queries[:50], NO_FILTER))[0])
        await adding
    return np.concatenate(delays)


async def _add_paced(sets: VectorSets, vectors: NDArray[np.float32], base: int) -> None:
    places = await sets.places(range(_PARTITIONS))
    due = time.perf_counter()
    for number, vector in enumerate(vectors):
        row = base + number
        partition, place = row % _PARTITIONS, Place(row, "bench", 0)
        places[partition] = await sets.store(partition, places[partition], place, {row: _indexed(row, vector)})
        due += 1 / _ADDS_PER_S
        await asyncio.sleep(max(due - time.perf_counter(), 0))


def _exactly(
    vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Milliseconds of each exact search [q], and its results."""
    delays, found = [], []
    count = min(COUNT, len(vectors))
    for query in queries:
        begun = time.perf_counter()
        found.append(np.argpartition(vectors @ query, -count)[-count:])
        delays.append((time.perf_counter() - begun) * 1000)
    return np.array(delays), found


def _recall(found: list[NDArray[np.uint64]], nearest: list[NDArray[np.uint64]]) -> float:
    return round(float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, nearest, strict=True)])), 4)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Client]:
    client = connect(url, timeout_s=60.0)
    try:
        yield client
    finally:
        await client.aclose()


def _ignore(_op: str, _seconds: float | None) -> None:
    pass


async def _used_bytes(client: Client) -> int:
    return int((await client.info("memory"))["used_memory"])


async def _cpu_s(client: Client) -> float:
    used = await client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])
