"""Several commands in one round trip: to one Redis, or to each of a cluster's masters at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError, ResponseError


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a Redis Function; all its keys are in one hash slot."""

    command: str
    function: str
    keys: list[str]
    args: Sequence[str | bytes] = ()

    def words(self) -> tuple[str | bytes | int, ...]:
        """The command as it is sent."""
        return (self.command, self.function, len(self.keys), *self.keys, *self.args)


@dataclass(frozen=True, slots=True)
class Command:
    """Any other command; its first key is `key`."""

    command: str
    key: str
    args: Sequence[str | bytes] = ()

    @property
    def keys(self) -> list[str]:
        """The key that says which server is to answer."""
        return [self.key]

    def words(self) -> tuple[str | bytes | int, ...]:
        """The command as it is sent."""
        return (self.command, self.key, *self.args)


class Pipeline:
    """Sends calls; whatever redis-py raises where no server could be asked leaves it."""

    def __init__(self, client: Redis | RedisCluster) -> None:
        self._client = client
        self._stale = False

    async def send(self, calls: Sequence[Call | Command]) -> list[Any]:
        """Each call's answer, or the exception that came instead, in order."""
        if isinstance(self._client, RedisCluster):
            return await self._send_to_cluster(self._client, calls)
        if len(calls) == 1:
            # As it is when little happens, and each list waits for it: a pipeline takes longer.
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
            await _look_again(cluster)
            self._stale = False
        try:
            pipeline = cluster.pipeline()
            for call in calls:
                # Not told the node, it would ask a server for each call's keys, and send all arguments along for that.
                pipeline.execute_command(*call.words(), target_nodes=cluster.get_node_from_key(call.keys[0]))
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        except (RedisError, RedisClusterException, OSError):
            self._stale = True
            raise
        self._stale = any(isinstance(answer, Exception) for answer in answers)
        return answers


async def _look_again(cluster: RedisCluster) -> None:
    """Forget slots and connections that failed: redis-py does so only where it may try again, and here it may not."""
    for node in cluster.get_nodes():
        await node.disconnect_free_connections()
    await cluster.nodes_manager.initialize()
