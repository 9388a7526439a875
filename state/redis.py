"""The state protocol on Redis 7 or later, one server or a cluster: two Redis Functions of one round trip each."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError, ResponseError

from state.errors import StateCorrupt, StateUnavailable
from state.keys import Keys
from state.partitions import Commit, Loaded
from state.pipeline import Call, Pipeline
from state.redis_login import OPEN, RedisAccess, remedy

Client: TypeAlias = Redis | RedisCluster
#: Called after each round trip with its name and its seconds, or None if it failed.
Observer: TypeAlias = Callable[[str, float | None], None]

#: Keys that `scan` yields at a time: what is then asked at once must not exceed the connections of a client.
_SCANNED = 50

_LIBRARY = Path(__file__).with_name("functions.lua").read_text()


def connect(url: str, *, access: RedisAccess = OPEN, timeout_s: float = 5.0) -> Client:
    """Return a client for `redis[s]://host:port` or, with `?cluster=true`, for the cluster of that node.

    The client never retries: the caller does, because it knows that a commit may be repeated.
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
    """A PartitionStore in Redis. Every RedisError becomes StateUnavailable: no record may be skipped because of Redis.

    The position also says which key space holds a partition's values (`state.spaces`). After a change of space, values
    read before are out of date: the next commit is refused, so that the writer reads the partition again.
    """

    def __init__(self, client: Client, keys: Keys, *, observe: Observer) -> None:
        self._client = client
        self._pipeline = Pipeline(client)
        self._keys = keys
        self._observe = observe
        #: The last known space of each partition, and the partitions where it changed since.
        self._spaces: dict[int, int] = {}
        self._left: set[int] = set()

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """See PartitionStore."""
        loaded = await self.load(dict.fromkeys(partitions, ()))
        return {partition: found.position for partition, found in loaded.items()}

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        """See PartitionStore. A partition that moved into another space takes a second round trip."""
        loaded: dict[int, Loaded] = {}
        while missing := {p: names for p, names in wanted.items() if p not in loaded}:
            spaces = self._expected_spaces(missing)
            calls = [
                Call("FCALL_RO", "sightline_load", self._names(p, names, spaces[p])) for p, names in missing.items()
            ]
            for partition, answer in zip(missing, await self._call("load", calls), strict=True):
                position, space = _read_token(partition, answer[0])
                self._note(partition, space)
                if space == spaces[partition]:
                    loaded[partition] = Loaded(position, answer[1:])
        return {partition: loaded[partition] for partition in wanted}

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        """See PartitionStore."""
        left = self._left.intersection(commit.partition for commit in commits)
        refused = await self.positions(sorted(left))
        sent = [commit for commit in commits if commit.partition not in left]
        spaces = self._expected_spaces(commit.partition for commit in sent)
        answers = await self._call("commit", [self._commit(commit, spaces[commit.partition]) for commit in sent])
        for commit, answer in zip(sent, answers, strict=True):
            partition = commit.partition
            position, space = _read_token(partition, answer)
            if (position, space) != (commit.position, spaces[partition]):
                refused[partition] = position
                self._spaces[partition] = space
        self._left -= left | refused.keys()
        return refused

    def _commit(self, commit: Commit, space: int) -> Call:
        tokens = (_token(commit.expected, space), _token(commit.position, space))
        names = self._names(commit.partition, commit.writes, space)
        return Call("FCALL", "sightline_store", names, (*tokens, *commit.writes.values(), *_expiries(commit)))

    def _expected_spaces(self, partitions: Iterable[int]) -> dict[int, int]:
        return {partition: self._spaces.get(partition, 0) for partition in partitions}

    def _note(self, partition: int, space: int) -> None:
        if self._spaces.setdefault(partition, space) != space:
            self._left.add(partition)
            self._spaces[partition] = space

    def _names(self, partition: int, names: Sequence[str] | Mapping[str, bytes], space: int) -> list[str]:
        within = self._keys.within(space)
        return [self._keys.position(partition), *(within.value(partition, name) for name in names)]

    async def _call(self, op: str, calls: Sequence[Call]) -> list[Any]:
        if not calls:
            return []
        async with reporting(op, self._observe):
            answers = await self._pipeline.send(calls)
            if any(_is_unknown_function(answer) for answer in answers):
                # A new or emptied server has no functions yet. Calls that succeeded on other servers may be repeated.
                await self._client.function_load(_LIBRARY, replace=True)
                answers = await self._pipeline.send(calls)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers


def _token(position: int, space: int) -> str:
    """Return the stored form of a position. It names the space, so equal positions of two spaces differ."""
    return f"{position} {space}" if space else str(position)


def _read_token(partition: int, token: bytes) -> tuple[int, int]:
    """Return the position and the space of a token; raises StateCorrupt."""
    position, _, space = token.partition(b" ")
    try:
        return int(position), int(space or 0)
    except ValueError:
        raise StateCorrupt(
            f"the position of partition {partition} is {token!r}: rebuild the state with `sightline rebuild`"
        ) from None


def _expiries(commit: Commit) -> Iterator[str]:
    """Yield index and time of each expiring value; indices are those in KEYS, where the position has 1."""
    for place, name in enumerate(commit.writes, start=2):
        if name in commit.expiries:
            yield from (str(place), str(commit.expiries[name]))


def _is_unknown_function(answer: Any) -> bool:
    return isinstance(answer, ResponseError) and "unction not found" in str(answer)


@asynccontextmanager
async def reporting(op: str, observe: Observer) -> AsyncIterator[None]:
    """Time one round trip, and raise StateUnavailable for every error of Redis or the network."""
    start = perf_counter()
    try:
        yield
    except (RedisError, RedisClusterException, OSError) as error:
        observe(op, None)
        advice = remedy(str(error))
        message = f"Redis operation {op!r} failed: {type(error).__name__}: {error}"
        raise StateUnavailable(f"{message}: {advice}" if advice else message) from error
    observe(op, perf_counter() - start)


async def scan(client: Client, pattern: str) -> AsyncIterator[list[bytes]]:
    """Yield the keys of a server or cluster that match a glob pattern, some at a time; raises errors of Redis."""
    keys: list[bytes] = []
    async for key in client.scan_iter(match=pattern, count=1000):
        keys.append(key)
        if len(keys) == _SCANNED:
            yield keys
            keys = []
    if keys:
        yield keys


async def get_bytes(client: Client, key: str | bytes) -> bytes | None:
    """Return a value; None if it is missing or no string. Raises errors of Redis."""
    try:
        value = await client.get(key)
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        return None
    return value if isinstance(value, bytes) else None
