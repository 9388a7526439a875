"""The state protocol on Redis 7 or later, one server or a cluster: two Redis Functions, one round trip each."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from state.access import OPEN, RedisAccess
from state.errors import StateUnavailable
from state.keys import Keys
from state.partitions import Commit, Loaded

Client: TypeAlias = Redis | RedisCluster
#: Told of each round trip: its name, and its seconds, or None when it failed.
Observer: TypeAlias = Callable[[str, float | None], None]

_LIBRARY = Path(__file__).with_name("functions.lua").read_text()


def connect(url: str, *, access: RedisAccess = OPEN, timeout_s: float = 5.0) -> Client:
    """A client for `redis[s]://host:port` or, with `?cluster=true`, for the cluster which that node belongs to.

    It tries nothing twice: who calls decides about that, knowing that a commit may be made again.
    """
    retry = Retry(NoBackoff(), 0)
    options = access.options(url)
    address, _, query = url.partition("?")
    if query == "cluster=true":
        return RedisCluster.from_url(address, socket_timeout=timeout_s, retry=retry, **options)
    client: Redis = Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=retry, max_connections=64, **options
    )
    return client


@dataclass(frozen=True, slots=True)
class _Call:
    command: str
    function: str
    keys: list[str]
    args: Sequence[str | bytes] = ()

    def words(self) -> tuple[str | bytes | int, ...]:
        return (self.command, self.function, len(self.keys), *self.keys, *self.args)


class RedisPartitions:
    """A PartitionStore in Redis. Every RedisError is StateUnavailable: nothing may be skipped because Redis refuses."""

    def __init__(self, client: Client, keys: Keys, *, observe: Observer) -> None:
        self._client = client
        self._keys = keys
        self._observe = observe

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """See PartitionStore."""
        loaded = await self.load(dict.fromkeys(partitions, ()))
        return {partition: found.position for partition, found in loaded.items()}

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        """See PartitionStore."""
        calls = [_Call("FCALL_RO", "sightline_load", self._names(p, names)) for p, names in wanted.items()]
        answers = await self._call("load", calls)
        return {
            partition: Loaded(int(answer[0]), answer[1:]) for partition, answer in zip(wanted, answers, strict=True)
        }

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        """See PartitionStore."""
        calls = [
            _Call(
                "FCALL",
                "sightline_commit",
                self._names(commit.partition, commit.writes),
                (str(commit.expected), str(commit.position), *commit.writes.values()),
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

    async def _call(self, op: str, calls: Sequence[_Call]) -> list[Any]:
        if not calls:
            return []
        async with reporting(op, self._observe):
            try:
                return await self._pipeline(calls)
            except ResponseError as error:
                if "unction not found" not in str(error):
                    raise
            # A new or emptied server has no functions yet.
            await self._client.function_load(_LIBRARY, replace=True)
            return await self._pipeline(calls)

    async def _pipeline(self, calls: Sequence[_Call]) -> list[Any]:
        if len(calls) == 1:
            return [await self._client.execute_command(*calls[0].words())]
        pipeline = (
            self._client.pipeline(transaction=False) if isinstance(self._client, Redis) else self._client.pipeline()
        )
        for call in calls:
            pipeline.execute_command(*call.words())
        answers: list[Any] = await pipeline.execute()
        return answers


@asynccontextmanager
async def reporting(op: str, observe: Observer) -> AsyncIterator[None]:
    """Time one round trip and turn whatever Redis or the network raises into StateUnavailable."""
    start = perf_counter()
    try:
        yield
    except (RedisError, OSError) as error:
        observe(op, None)
        raise StateUnavailable(f"Redis did not {op}: {type(error).__name__}: {error}") from error
    observe(op, perf_counter() - start)
