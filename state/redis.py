"""The state protocol on Redis 7 or later, one server or a cluster: two Redis Functions, one round trip each."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from state.access import OPEN, RedisAccess
from state.errors import StateUnavailable
from state.keys import Keys
from state.partitions import Commit, Loaded
from state.pipeline import Call, Pipeline

Client: TypeAlias = Redis | RedisCluster
#: Told of each round trip: its name, and its seconds, or None when it failed.
Observer: TypeAlias = Callable[[str, float | None], None]

_LIBRARY = Path(__file__).with_name("functions.lua").read_text()


def connect(url: str, *, access: RedisAccess = OPEN, timeout_s: float = 5.0) -> Client:
    """A client for `redis[s]://host:port` or, with `?cluster=true`, for the cluster which that node belongs to.

    It tries nothing twice: who calls decides about that, knowing that a commit may be made again.
    """
    address, _, query = url.partition("?")
    is_cluster = query == "cluster=true"
    client: Redis | RedisCluster = (RedisCluster if is_cluster else Redis).from_url(
        address if is_cluster else url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        max_connections=64,
        **access.options(url),
    )
    return client


class RedisPartitions:
    """A PartitionStore in Redis. Every RedisError is StateUnavailable: nothing may be skipped because Redis refuses."""

    def __init__(self, client: Client, keys: Keys, *, observe: Observer) -> None:
        self._client = client
        self._pipeline = Pipeline(client)
        self._keys = keys
        self._observe = observe

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """See PartitionStore."""
        loaded = await self.load(dict.fromkeys(partitions, ()))
        return {partition: found.position for partition, found in loaded.items()}

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        """See PartitionStore."""
        calls = [Call("FCALL_RO", "sightline_load", self._names(p, names)) for p, names in wanted.items()]
        answers = await self._call("load", calls)
        return {
            partition: Loaded(int(answer[0]), answer[1:]) for partition, answer in zip(wanted, answers, strict=True)
        }

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        """See PartitionStore."""
        calls = [
            Call(
                "FCALL",
                "sightline_store",
                self._names(commit.partition, commit.writes),
                (str(commit.expected), str(commit.position), *commit.writes.values(), *_expiries(commit)),
            )
            for commit in commits
        ]
        answers = await self._call("commit", calls)
        return {
            commit.partition: int(held)
            for commit, held in zip(commits, answers, strict=True)
            if int(held) != commit.position
        }

    def _names(self, partition: int, names: Sequence[str] | Mapping[str, bytes]) -> list[str]:
        return [self._keys.position(partition), *(self._keys.value(partition, name) for name in names)]

    async def _call(self, op: str, calls: Sequence[Call]) -> list[Any]:
        if not calls:
            return []
        async with reporting(op, self._observe):
            answers = await self._pipeline.send(calls)
            if any(_is_unknown_function(answer) for answer in answers):
                # A new or emptied server has no functions yet. What the others did may be done again.
                await self._client.function_load(_LIBRARY, replace=True)
                answers = await self._pipeline.send(calls)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers


def _expiries(commit: Commit) -> Iterator[str]:
    """The places of the expiring values among the keys, the position's being 1, and their times."""
    for place, name in enumerate(commit.writes, start=2):
        if name in commit.expiries:
            yield from (str(place), str(commit.expiries[name]))


def _is_unknown_function(answer: Any) -> bool:
    return isinstance(answer, ResponseError) and "unction not found" in str(answer)


@asynccontextmanager
async def reporting(op: str, observe: Observer) -> AsyncIterator[None]:
    """Time one round trip and turn whatever Redis or the network raises into StateUnavailable."""
    start = perf_counter()
    try:
        yield
    except (RedisError, RedisClusterException, OSError) as error:
        observe(op, None)
        raise StateUnavailable(f"Redis did not {op}: {type(error).__name__}: {error}") from error
    observe(op, perf_counter() - start)
