"""The shared index of the catalogue: vector sets of Redis 8.

It has each picture once, however many items show it (docs/adr/0022). Every worker searches it; each partition of
state.catalog has one writer. The partitions are spread over shards, and each shard has a hash slot of its own on a
Redis Cluster. A vector set holds the vectors of one encoder. The position of a partition is stored in its shard, by the
protocol of `state.partitions`: a loss in Redis is indexed again, and a replaced writer is refused.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from redis.exceptions import ResponseError

from features.item import key_of, picture_key
from features.search_filter import NO_FILTER, SearchFilter
from state.errors import StateCorrupt
from state.keys import names_of
from state.partitions import START
from state.pipeline import Call, Command, Pipeline
from state.redis import Client, Observer, reporting

#: Neighbours that an addition looks at: 64 find as much as the default 200 of Redis, in a quarter of the time.
EXPANSION_ADD: Final = 64
#: The least number of candidates that a search keeps.
EXPANSION_SEARCH: Final = 64
_LIBRARY: Final = Path(__file__).with_name("vector_sets.lua").read_text()


@dataclass(frozen=True, slots=True)
class Indexed:
    """An item of the index: `vectors` has a float32 [d] by encoder."""

    vectors: Mapping[str, NDArray[np.float32]]
    category: str | None = None
    price: float | None = None
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How far a partition is indexed, and when that was written; `position` counts in the topic with this id."""

    position: int
    topic_id: str
    written_ms: int

    def token(self) -> str:
        """Return the stored form."""
        return "" if self == NOWHERE else f"{self.position} {self.topic_id} {self.written_ms}"

    def is_at(self, other: "Place") -> bool:
        """Return whether both stand for the same records."""
        return (self.position, self.topic_id) == (other.position, other.topic_id)


NOWHERE: Final = Place(START, "", 0)


class VectorSets:
    """Writes the index by item keys (`key_of`), and finds pictures by theirs (`picture_key`).

    Methods raise StateUnavailable.
    """

    def __init__(self, client: Client, app: str, shards: int, *, observe: Observer) -> None:
        self._pipeline = Pipeline(client)
        self._client = client
        self._observe = observe
        self._shards = [_Shard(app, number, shards) for number in range(shards)]
        #: The names of each shard's vector sets, as last read.
        self._sets: dict[int, list[str]] = {}

    @property
    def shards(self) -> int:
        """The number of shards."""
        return len(self._shards)

    def shard_of(self, partition: int) -> int:
        """Return the shard of a partition of state.catalog."""
        return partition % len(self._shards)

    async def places(self, partitions: Collection[int]) -> dict[int, Place]:
        """Return how far each partition is indexed; NOWHERE if it is not."""
        shards = sorted({self.shard_of(partition) for partition in partitions})
        calls = [Command("GET", self._position(partition)) for partition in partitions]
        calls += [Command("SMEMBERS", self._shards[shard].names) for shard in shards]
        answers = await self._call("index_place", calls)
        tokens, sets = answers[: len(partitions)], answers[len(partitions) :]
        self._sets |= {
            shard: sorted(name.decode() for name in names) for shard, names in zip(shards, sets, strict=True)
        }
        return {p: _read_place(p, token or b"") for p, token in zip(partitions, tokens, strict=True)}

    async def store(
        self, partition: int, expected: Place, place: Place, changes: Mapping[int, Indexed | None]
    ) -> Place:
        """Index items by key, remove those with None, and move the partition from `expected` to `place`.

        Atomic. Returns the place after the call, which is not `place` if the partition was elsewhere. Redis serves no
        other client meanwhile: 16 changes take 2 to 10 ms.
        """
        shard = self._shards[self.shard_of(partition)]
        wanted = {name for indexed in changes.values() if indexed for name in shard.vectors_of(indexed)}
        sets = sorted(wanted.union(self._sets.get(self.shard_of(partition), ())))
        keys = [shard.position(partition), shard.names, shard.expiries]
        places = {name: len(keys) + 2 * number + 1 for number, name in enumerate(sets)}
        args: list[str | bytes] = [expected.token(), place.token(), str(EXPANSION_ADD), str(len(changes))]
        for key, indexed in changes.items():
            args += [_element(key), str(indexed.expires_at_ms) if indexed and indexed.expires_at_ms else ""]
        for key, indexed in changes.items():
            for name in sets:
                args += [_element(key), str(places[name]), *_content(shard, name, indexed)]
        (held,) = await self._call(
            "index", [Call("FCALL", "sightline_index_pictures", [*keys, *_with_items(sets)], args)]
        )
        self._sets[self.shard_of(partition)] = sets
        return _read_place(partition, held)

    async def expire(self, shard: int, now_ms: int, most: int) -> int:
        """Take up to `most` items that expired by this time out of a shard; how many these were."""
        names = self._shards[shard]
        (sets,) = await self._call("index_place", [Command("SMEMBERS", names.names)])
        keys = [names.expiries, *_with_items(sorted(name.decode() for name in sets))]
        (count,) = await self._call("index_expire", [Call("FCALL", "sightline_expire", keys, [str(now_ms), str(most)])])
        return int(count)

    async def clear(self, shard: int, partitions: Collection[int]) -> None:
        """Empty a shard and forget the positions of its partitions among these, so that they are indexed again."""
        names = self._shards[shard]
        (sets,) = await self._call("index_place", [Command("SMEMBERS", names.names)])
        positions = [names.position(partition) for partition in partitions if self.shard_of(partition) == shard]
        held = (*_with_items([name.decode() for name in sets]), names.expiries, *positions)
        await self._call("index_clear", [Command("UNLINK", names.names, held)])
        self._sets[shard] = []

    async def search(
        self, encoder: str, queries: NDArray[np.float32], count: int, search_filter: SearchFilter = NO_FILTER
    ) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Return keys uint64 [q, count] of the pictures nearest to queries float32 [q, d], and their similarities.

        The nearest come first. Missing results have a similarity of -1. A narrow filter may miss items that match; of a
        picture that many items show, some may be within it.
        """
        asked = min(count, _share(count, len(self._shards)))
        options = ["COUNT", str(asked), "EF", str(max(asked, EXPANSION_SEARCH)), "WITHSCORES", *_filter(search_filter)]
        names = [shard.vectors(encoder, queries.shape[1]) for shard in self._shards]
        vectors = [query.astype("<f4").tobytes() for query in queries]
        calls = [Command("VSIM", name, ("FP32", vector, *options)) for vector in vectors for name in names]
        answers = await self._call("index_search", calls)
        keys = np.zeros((len(queries), count), np.uint64)
        similarities = np.full((len(queries), count), -1.0, np.float32)
        for at in range(len(queries)):
            # Two shards may have the same picture.
            found = {
                key: score
                for each in answers[at * len(names) : (at + 1) * len(names)]
                for key, score in (each or {}).items()
            }
            nearest = sorted(found.items(), key=lambda pair: -pair[1])[:count]
            keys[at, : len(nearest)] = [int(element, 16) for element, _ in nearest]
            # Redis returns 1 for the same direction and 0 for the opposite one.
            similarities[at, : len(nearest)] = [2.0 * score - 1.0 for _, score in nearest]
        return keys, similarities

    async def count(self, encoder: str, dimensions: int) -> int:
        """Return the number of indexed pictures of an encoder."""
        calls = [Command("VCARD", shard.vectors(encoder, dimensions)) for shard in self._shards]
        return sum(int(answer) for answer in await self._call("index_count", calls))

    def _position(self, partition: int) -> str:
        return self._shards[self.shard_of(partition)].position(partition)

    async def _call(self, op: str, calls: Sequence[Call | Command]) -> list[Any]:
        if not calls:
            return []
        async with reporting(op, self._observe):
            answers = await self._pipeline.send(calls)
            if any(isinstance(answer, ResponseError) and "unction not found" in str(answer) for answer in answers):
                await self._client.function_load(_LIBRARY, replace=True)
                answers = await self._pipeline.send(calls)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers


@dataclass(frozen=True, slots=True)
class _Shard:
    """Key names of one shard, in one hash slot.

    >>> _Shard("", 0, 3).vectors("effnet@1", 256), _Shard("", 0, 3).position(6)
    ('sightline::{index/0/3}:vectors:256:effnet@1', 'sightline::{index/0/3}:position:6')
    """

    app: str
    number: int
    shards: int

    @property
    def tag(self) -> str:
        return f"{names_of(self.app)}{{index/{self.number}/{self.shards}}}"

    @property
    def names(self) -> str:
        """The key of the set that names the shard's vector sets."""
        return f"{self.tag}:sets"

    def vectors(self, encoder: str, dimensions: int) -> str:
        return f"{self.tag}:vectors:{dimensions}:{encoder}"

    @property
    def expiries(self) -> str:
        """The key of the sorted set that says when items expire."""
        return f"{self.tag}:expiries"

    def vectors_of(self, indexed: Indexed) -> dict[str, NDArray[np.float32]]:
        """The vectors of an item by the vector set that is to have them."""
        return {self.vectors(encoder, len(vector)): vector for encoder, vector in indexed.vectors.items()}

    def position(self, partition: int) -> str:
        return f"{self.tag}:position:{partition}"


def _element(key: int) -> str:
    return f"{key:016x}"


def _with_items(sets: Sequence[str]) -> list[str]:
    """Return each vector set with the hash that says which picture its items have."""
    return [key for name in sets for key in (name, f"{name}:items")]


def _content(shard: _Shard, name: str, indexed: Indexed | None) -> tuple[str, str, bytes]:
    """Return attributes, picture and vector of an item in a vector set; no picture if it does not belong there."""
    vector = None if indexed is None else shard.vectors_of(indexed).get(name)
    if indexed is None or vector is None:
        return "", "", b""
    attributes: dict[str, object] = {"items": 1, "many": 0}
    if indexed.category is not None:
        attributes["category"] = _category(indexed.category)
    if indexed.price is not None:
        attributes["price"] = indexed.price
    picture = _element(picture_key(vector.astype("<f2").tobytes()))
    return json.dumps(attributes), picture, vector.astype("<f4").tobytes()


def _category(name: str) -> str:
    """Return a category in a form that is safe in an expression."""
    return _element(key_of(name))


def _filter(search_filter: SearchFilter) -> list[str]:
    terms = []
    if search_filter.category is not None:
        terms.append(f'.category == "{_category(search_filter.category)}"')
    if search_filter.min_price is not None:
        terms.append(f".price >= {_plain(search_filter.min_price)}")
    if search_filter.max_price is not None:
        terms.append(f".price <= {_plain(search_filter.max_price)}")
    return ["FILTER", f".many == 1 or ({' and '.join(terms)})"] if terms else []


def _plain(number: float) -> str:
    """Return a number as an expression takes it: exact, without exponent, at most 256 characters.

    >>> _plain(19.99), _plain(1e-7), len(_plain(1e300))
    ('19.99', '0.0000001', 201)
    """
    return np.format_float_positional(min(number, 1e200), trim="-")


def _share(count: int, shards: int) -> int:
    """Return how many of the nearest `count` to ask of each shard: four standard deviations above the mean."""
    mean = count / shards
    return ceil(mean + 4.0 * sqrt(mean))


def _read_place(partition: int, token: bytes) -> Place:
    if not token:
        return NOWHERE
    try:
        position, topic_id, written_ms = token.decode().split(" ")
        return Place(int(position), topic_id, int(written_ms))
    except ValueError:
        raise StateCorrupt(f"the position of partition {partition} in the index is {token!r}: delete its key") from None
