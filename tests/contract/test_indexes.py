"""One suite for every index of vectors: in the worker's memory, and shared on a real Redis and a real Redis Cluster."""

import uuid
from collections.abc import AsyncIterator, Collection
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from features.item import picture_key
from inference.catalog.index import HnswIndex
from state.redis import connect
from state.vector_sets import NOWHERE, Indexed, Place, VectorSets

DIMENSIONS = 64
ENCODER = "effnet@1"
PARTITIONS = 12


class Index(Protocol):
    """What both are asked for here; numbers are rows of the one and keys of the other."""

    async def add(self, numbers: Collection[int], vectors: NDArray[np.float32]) -> None: ...

    async def remove(self, numbers: Collection[int]) -> None: ...

    async def search(self, queries: NDArray[np.float32], count: int) -> tuple[list[list[int]], NDArray[np.float32]]: ...

    async def count(self) -> int: ...


class InMemory:
    """An HnswIndex."""

    def __init__(self) -> None:
        self._index = HnswIndex(DIMENSIONS)

    async def add(self, numbers: Collection[int], vectors: NDArray[np.float32]) -> None:
        self._index.add(np.array(list(numbers), np.uint64), vectors)

    async def remove(self, numbers: Collection[int]) -> None:
        self._index.remove(np.array(list(numbers), np.uint64))

    async def search(self, queries: NDArray[np.float32], count: int) -> tuple[list[list[int]], NDArray[np.float32]]:
        rows, similarities = self._index.search(queries, count)
        return [[row for row in each if row >= 0] for each in rows.tolist()], similarities

    async def count(self) -> int:
        return len(self._index)


class Shared:
    """VectorSets, written as by the workers of state.catalog's partitions."""

    def __init__(self, sets: VectorSets) -> None:
        self._sets = sets
        self._places = dict.fromkeys(range(PARTITIONS), NOWHERE)
        #: The number whose picture was last of this key.
        self._numbers: dict[int, int] = {}

    async def add(self, numbers: Collection[int], vectors: NDArray[np.float32]) -> None:
        self._numbers |= {
            picture_key(vector.astype("<f2").tobytes()): n for n, vector in zip(numbers, vectors, strict=True)
        }
        await self._store({n: Indexed({ENCODER: vector}) for n, vector in zip(numbers, vectors, strict=True)})

    async def remove(self, numbers: Collection[int]) -> None:
        await self._store(dict.fromkeys(numbers))

    async def search(self, queries: NDArray[np.float32], count: int) -> tuple[list[list[int]], NDArray[np.float32]]:
        keys, similarities = await self._sets.search(ENCODER, queries, count)
        found = zip(keys.tolist(), (similarities > -1).tolist(), strict=True)
        return [[self._numbers[key] for key, one in zip(*each, strict=True) if one] for each in found], similarities

    async def count(self) -> int:
        return await self._sets.count(ENCODER, DIMENSIONS)

    async def _store(self, changes: dict[int, Indexed | None]) -> None:
        for partition in range(PARTITIONS):
            mine = {n: change for n, change in changes.items() if n % PARTITIONS == partition}
            place = self._places[partition]
            self._places[partition] = Place(place.position + 1, "topic", 0)
            assert await self._sets.store(partition, place, self._places[partition], mine) == self._places[partition]


KINDS = [("node", 1), ("node", 3), ("cluster", 3), ("cluster", 5)]


@pytest.fixture(
    params=["memory", *(pytest.param(kind, marks=pytest.mark.stack, id=f"{kind[0]}-{kind[1]}") for kind in KINDS)]
)
async def index(request: pytest.FixtureRequest) -> AsyncIterator[Index]:
    if request.param == "memory":
        yield InMemory()
        return
    kind, shards = request.param
    client = connect(request.getfixturevalue(f"redis_{kind}").url)
    yield Shared(VectorSets(client, f"{uuid.uuid4().hex}.", shards, observe=lambda op, seconds: None))
    await client.aclose()


def unit_vectors(count: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def axes(*numbers: int) -> NDArray[np.float32]:
    return np.eye(DIMENSIONS, dtype=np.float32)[list(numbers)]


async def recall(index: Index, vectors: NDArray[np.float32], present: NDArray[np.int64], count: int = 50) -> float:
    """The share of the truly nearest that the index finds, over 50 random queries."""
    queries = unit_vectors(50, seed=2)
    exact = present[np.argsort(-(queries @ vectors[present].T), axis=1)[:, :count]]
    found, _ = await index.search(queries, count)
    return float(np.mean([np.isin(mine, truth).sum() / count for mine, truth in zip(found, exact, strict=True)]))


async def test_nearly_all_of_the_nearest_fifty_are_found(index: Index) -> None:
    vectors = unit_vectors(1_000, seed=1)
    for start in range(0, 1_000, 250):
        await index.add(range(start, start + 250), vectors[start : start + 250])

    assert await index.count() == 1_000
    assert await recall(index, vectors, np.arange(1_000)) >= 0.95


async def test_what_is_found_is_ordered_by_its_similarity(index: Index) -> None:
    vectors, queries = unit_vectors(500, seed=1), unit_vectors(20, seed=3)
    await index.add(range(500), vectors)

    found, similarities = await index.search(queries, 50)

    np.testing.assert_allclose(similarities, np.einsum("qd,qkd->qk", queries, vectors[np.array(found)]), atol=0.02)
    assert (np.diff(similarities, axis=1) <= 1e-3).all()


async def test_an_index_that_lost_most_items_still_finds_the_others(index: Index) -> None:
    vectors, kept = unit_vectors(1_000, seed=1), np.arange(0, 1_000, 10)
    await index.add(range(1_000), vectors)
    await index.remove(np.setdiff1d(np.arange(1_000), kept).tolist())

    assert await index.count() == 100
    assert await recall(index, vectors, kept, count=20) >= 0.95


async def test_an_index_whose_items_were_replaced_finds_the_new_vectors(index: Index) -> None:
    vectors = unit_vectors(1_500, seed=1)
    for start in (0, 500, 250):
        await index.add(range(1_000), vectors[start : start + 1_000])

    assert await index.count() == 1_000
    assert await recall(index, vectors[250:1_250], np.arange(1_000), count=20) >= 0.95


async def test_the_same_item_is_found_under_its_last_vector(index: Index) -> None:
    await index.add([7], axes(0))
    await index.add([7], axes(1))

    found, similarities = await index.search(axes(1), 2)

    assert found == [[7]]
    assert similarities[0].tolist() == pytest.approx([1, -1], abs=1e-2)


async def test_fewer_items_than_asked_for_are_padded(index: Index) -> None:
    await index.add([3, 4], axes(0, 1))

    found, similarities = await index.search(axes(0, 1), 4)

    assert found == [[3, 4], [4, 3]]
    assert similarities.shape == (2, 4)
    assert (similarities[:, 2:] == -1).all()


async def test_an_empty_index_finds_nothing(index: Index) -> None:
    found, similarities = await index.search(axes(0, 1), 3)

    assert found == [[], []]
    assert similarities.tolist() == [[-1.0] * 3] * 2


async def test_an_emptied_index_finds_nothing(index: Index) -> None:
    await index.add([1], axes(0))
    await index.remove([1])

    assert await index.count() == 0
    assert (await index.search(axes(0), 1))[0] == [[]]


async def test_no_query_has_no_answer(index: Index) -> None:
    await index.add([1], axes(0))

    found, similarities = await index.search(np.empty((0, DIMENSIONS), np.float32), 5)

    assert (found, similarities.shape) == ([], (0, 5))


async def test_removing_items_that_are_not_there_or_twice_is_passed_over(index: Index) -> None:
    await index.add([1, 2], axes(0, 1))
    await index.remove([9, 1])
    await index.remove([1])
    await index.remove([])

    assert await index.count() == 1
