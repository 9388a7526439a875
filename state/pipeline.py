"""Several commands in one round trip, to one Redis or to all masters of a cluster at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError, ResponseError


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a Redis Function. All its keys are in one hash slot."""

    command: str
    function: str
    keys: list[str]
    args: Sequence[str | bytes] = ()

    def words(self) -> tuple[str | bytes | int, ...]:
        """Return the command in the form that is sent."""
        return (self.command, self.function, len(self.keys), *self.keys, *self.args)


@dataclass(frozen=True, slots=True)
class Command:
    """Any other command. Its first key is `key`."""

    command: str
    key: str
    args: Sequence[str | bytes] = ()

    @property
    def keys(self) -> list[str]:
        """The key that selects the server."""
        return [self.key]

    def words(self) -> tuple[str | bytes | int, ...]:
        """Return the command in the form that is sent."""
        return (self.command, self.key, *self.args)


class Pipeline:
    """Sends calls. Errors of redis-py from before a server could answer are passed on."""

    def __init__(self, client: Redis | RedisCluster) -> None:
        self._client = client
        self._stale = False

    async def send(self, calls: Sequence[Call | Command]) -> list[Any]:
        """Return each call's answer, or its exception, in order."""
        if isinstance(self._client, RedisCluster):
            return await self._send_to_cluster(self._client, calls)
        if len(calls) == 1:
            # The usual case under low load, and a list waits for it: a pipeline takes longer.
            try:
                return [await self._client.execute_command(*calls[0].words())]  # type: ignore[no-untyped-call]  # redis-py
            except ResponseError as error:
                return [error]
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command(*call.words())
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def _send_to_cluster(self, cluster: RedisCluster, calls: Sequence[Call | Command]) -> list[Any]:
        await cluster.initialize()
        if self._stale:
            await _refresh_topology(cluster)
            self._stale = False
        try:
            pipeline = cluster.pipeline()
            for call in calls:
                # Without the node, redis-py asks a server for the keys of each call, and sends all arguments with it.
                pipeline.execute_command(*call.words(), target_nodes=cluster.get_node_from_key(call.keys[0]))
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        except (RedisError, RedisClusterException, OSError):
            self._stale = True
            raise
        self._stale = any(isinstance(answer, Exception) for answer in answers)
        return answers


async def _refresh_topology(cluster: RedisCluster) -> None:
    """Forget slots and connections that failed. redis-py does this only when it retries, and here it must not."""
    for node in cluster.get_nodes():
        await node.disconnect_free_connections()
    await cluster.nodes_manager.initialize()
