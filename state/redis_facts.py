"""What Redis says of itself: version, eviction and persistence, by INFO alone, since managed ones forbid CONFIG."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from state.redis import Client, Observer, reporting


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """One server. A value that it does not say is None; `append_only` is whether it keeps a log of its writes."""

    address: str
    version: str | None
    eviction: str | None
    append_only: bool | None


async def read_redis_facts(client: Client, address: str, *, observe: Observer) -> list[RedisFacts]:
    """Ask the server, or every master of a cluster; `address` names a single server. Raises StateUnavailable."""
    async with reporting("info", observe):
        try:
            if isinstance(client, RedisCluster):
                answers = await client.info(target_nodes=RedisCluster.PRIMARIES)
                return [_facts(node, said) for node, said in sorted(answers.items())]
            return [_facts(address, await client.info())]
        except ResponseError:
            # Its user may not call INFO, or there is no such command.
            return [RedisFacts(address, None, None, None)]


def _facts(address: str, said: Mapping[str, Any]) -> RedisFacts:
    version, eviction, append_only = (said.get(name) for name in ("redis_version", "maxmemory_policy", "aof_enabled"))
    return RedisFacts(
        address,
        None if version is None else str(version),
        None if eviction is None else str(eviction),
        None if append_only is None else bool(int(append_only)),
    )
