"""The index of the catalogue replica compared with exact search: speed, recall and size."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.resident_memory import resident_bytes
from deploy.service import Progress
from inference.catalog.index import HnswIndex

COUNT = 50
QUERIES = 1000
CLUSTERS_PER_ITEM = 0.01
SPREAD = 0.7
_CHUNK = 10_000
_ADDS_PER_S = 200
ADDING_S = 20.0


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """`p99_adding_ms` is measured while another thread adds 200 items a second.

    `bytes_per_item` is the size of the index with its vectors, without the other columns of a catalogue.
    """

    p50_ms: float
    p99_ms: float
    p99_adding_ms: float
    recall_at_50: float
    adds_per_s: float
    bytes_per_item: float
    exact_p50_ms: float


def measure_index(
    items: int, dimensions: int, *, adding_s: float = ADDING_S, progress: Progress = lambda _: None
) -> IndexFigures:
    """Fill an index with clustered unit vectors and search it, one query at a time."""
    random = np.random.default_rng(0)
    centres = draw_centres(random, items, dimensions)
    vectors = draw(random, centres, items)
    queries = draw(random, centres, QUERIES)
    # The first index of a process allocates threads and buffers, which do not count.
    HnswIndex(dimensions).add(np.arange(_CHUNK, dtype=np.uint64), draw(random, centres, _CHUNK))
    before = resident_bytes()
    index = HnswIndex(dimensions)
    started = time.perf_counter()
    for start in range(0, items, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, items), dtype=np.uint64)
        index.add(rows, vectors[rows])
        progress(f"{len(index):,} of {items:,} added")
    adds_per_s = items / (time.perf_counter() - started)
    size = resident_bytes() - before
    exact_ms, nearest = _timed(lambda query: np.argpartition(vectors @ query, -COUNT)[-COUNT:], queries[:200])
    found_ms, found = _timed(lambda query: index.search(query[None], COUNT)[0][0], queries)
    recall = np.mean([len(np.intersect1d(a, b)) / COUNT for a, b in zip(found[:200], nearest, strict=True)])
    added = draw(random, centres, int(_ADDS_PER_S * adding_s))
    return IndexFigures(
        p50_ms=percentile(found_ms, 50),
        p99_ms=percentile(found_ms, 99),
        p99_adding_ms=percentile(_while_adding(index, added, queries), 99),
        recall_at_50=round(float(recall), 4),
        adds_per_s=round(adds_per_s, 1),
        bytes_per_item=round(size / items, 1),
        exact_p50_ms=percentile(exact_ms, 50),
    )


def draw_centres(random: np.random.Generator, items: int, dimensions: int) -> NDArray[np.float32]:
    """Cluster centres for `items` items [clusters, dimensions]."""
    return random.standard_normal((max(int(items * CLUSTERS_PER_ITEM), 20), dimensions)).astype(np.float32)


def draw(random: np.random.Generator, centres: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Unit vectors [count, dimensions] in clusters."""
    vectors = np.empty((count, centres.shape[1]), np.float32)
    for start in range(0, count, _CHUNK):
        part = vectors[start : start + _CHUNK]
        part[:] = SPREAD * random.standard_normal(part.shape) + centres[random.integers(len(centres), size=len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def _timed(
    search: Callable[[NDArray[np.float32]], NDArray[np.int64]], queries: NDArray[np.float32]
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Milliseconds of each search [q], and its results."""
    delays, found = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(search(query))
        delays.append(time.perf_counter() - started)
    return np.array(delays) * 1000, found


def _while_adding(index: HnswIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float64]:
    """Milliseconds of searches while another thread adds the vectors at a fixed rate."""
    base, delays = len(index), []

    def add() -> None:
        due = time.perf_counter()
        for number, vector in enumerate(vectors):
            index.add(np.array([base + number], np.uint64), vector[None])
            due += 1 / _ADDS_PER_S
            time.sleep(max(due - time.perf_counter(), 0))

    adding = threading.Thread(target=add)
    adding.start()
    while adding.is_alive():
        delays.append(_timed(lambda query: index.search(query[None], COUNT)[0][0], queries[:50])[0])
    adding.join()
    return np.concatenate(delays)


def percentile(values: NDArray[np.float64], percent: float) -> float:
    """A percentile, rounded to four decimals."""
    return round(float(np.percentile(values, percent)), 4)
