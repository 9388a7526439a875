"""The index of the catalogue replica compared with exact search: speed, recall and size."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.resident_memory import resident_bytes
from deploy.service import Progress
from inference.catalog.vector_space import VectorSpace

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

    `recall_at_50` is among the `pictures` that can be shown, each counted once. `bytes_per_item` is the size of the
    index with its vectors, without the other columns of a catalogue.
    """

    p50_ms: float
    p99_ms: float
    p99_adding_ms: float
    recall_at_50: float
    adds_per_s: float
    bytes_per_item: float
    exact_p50_ms: float
    copies: float
    expired: float
    pictures: int


def measure_index(
    items: int,
    dimensions: int,
    *,
    copies: float = 0.0,
    expired: float = 0.0,
    adding_s: float = ADDING_S,
    progress: Progress = lambda _: None,
) -> IndexFigures:
    """Fill an index with clustered unit vectors and search it, one query at a time.

    A share of the items are `copies`: one half of them show one picture, the others those of random items. A share of
    the items has `expired` after all were added.
    """
    random = np.random.default_rng(0)
    shows, centres, vectors = draw_pictures(random, items, dimensions, copies)
    stored = vectors.astype("<f2")
    queries = draw(random, centres, QUERIES)
    # The first index of a process allocates threads and buffers, which do not count.
    _add(VectorSpace(dimensions), draw(random, centres, _CHUNK).astype("<f2"), 0)
    before = resident_bytes()
    space = VectorSpace(dimensions)
    started = time.perf_counter()
    for start in range(0, items, _CHUNK):
        _add(space, stored[shows[start : start + _CHUNK]], start)
        progress(f"{min(start + _CHUNK, items):,} of {items:,} added")
    adds_per_s = items / (time.perf_counter() - started)
    size = resident_bytes() - before
    is_gone = random.permutation(items) < round(expired * items)
    space.show(np.flatnonzero(is_gone), np.zeros(np.count_nonzero(is_gone), np.bool_))
    space.update_index()
    pictures = np.unique(shows[~is_gone])
    count = min(COUNT, len(pictures))
    shown = stored[pictures].astype(np.float32)
    exact_ms, nearest = _timed(lambda query: pictures[np.argpartition(shown @ query, -count)[-count:]], queries[:200])
    found_ms, found = _timed(lambda query: space.search(query[None], count)[0][0], queries)
    recall = np.mean([len(np.intersect1d(shows[a], b)) / count for a, b in zip(found[:200], nearest, strict=True)])
    added = draw(random, centres, int(_ADDS_PER_S * adding_s))
    return IndexFigures(
        p50_ms=percentile(found_ms, 50),
        p99_ms=percentile(found_ms, 99),
        p99_adding_ms=percentile(_while_adding(space, added, items, queries), 99),
        recall_at_50=round(float(recall), 4),
        adds_per_s=round(adds_per_s, 1),
        bytes_per_item=round(size / items, 1),
        exact_p50_ms=percentile(exact_ms, 50),
        copies=copies,
        expired=expired,
        pictures=len(pictures),
    )


def draw_pictures(
    random: np.random.Generator, items: int, dimensions: int, copies: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """The number of the picture that each item shows [items], the centres of the pictures, and their vectors."""
    shows = draw_copies(random, items, copies)
    count = int(shows.max()) + 1
    centres = draw_centres(random, count, dimensions)
    return shows, centres, draw(random, centres, count)


def draw_copies(random: np.random.Generator, items: int, copies: float) -> NDArray[np.int64]:
    """The number of the picture that each of `items` items shows [items], in random order; see `measure_index`."""
    own = max(items - round(copies * items), 1)
    shows = np.concatenate(
        [np.arange(own), np.zeros((items - own) // 2, np.int64), random.integers(own, size=(items - own + 1) // 2)]
    )
    return random.permutation(shows)


def _add(space: VectorSpace, vectors: NDArray[np.float16], first: int) -> None:
    """Add items to the rows from `first` on."""
    for row, vector in enumerate(vectors, start=first):
        space.put(row, vector.tobytes(), is_shown=True)
    space.update_index()


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


def _while_adding(
    space: VectorSpace, vectors: NDArray[np.float32], base: int, queries: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Milliseconds of searches while another thread adds the vectors at a fixed rate, in rows from `base` on."""
    delays, stored = [], vectors.astype("<f2")

    def add() -> None:
        due = time.perf_counter()
        for number in range(len(vectors)):
            _add(space, stored[number : number + 1], base + number)
            due += 1 / _ADDS_PER_S
            time.sleep(max(due - time.perf_counter(), 0))

    adding = threading.Thread(target=add)
    adding.start()
    while adding.is_alive():
        delays.append(_timed(lambda query: space.search(query[None], COUNT)[0][0], queries[:50])[0])
    adding.join()
    return np.concatenate(delays)


def percentile(values: NDArray[np.float64], percent: float) -> float:
    """A percentile, rounded to four decimals."""
    return round(float(np.percentile(values, percent)), 4)
