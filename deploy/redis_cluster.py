"""Redis servers of one's own, and three of them as a Redis Cluster: for tests and fault benches on one machine."""

import signal
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from deploy import process
from deploy.errors import StackError
from deploy.health import await_healthy
from deploy.record import keep_or_choose
from deploy.redis_server import RedisServer, ask

NODES = 3
SLOTS = 16_384
#: A node that is silent for so long is called dead by the others.
NODE_TIMEOUT_MS = 1_000
START_SECONDS = 30.0


class RedisNode:
    """One redis-server on a free port, its data and its log under `home`; whoever starts it ends it."""

    def __init__(self, home: Path, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self._server = RedisServer(data=home / "data", options=options)
        self._log = home / "redis.log"
        self.port = keep_or_choose(["redis"], {})["redis"]
        self._process: process.Process | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return self._server.address(self.port)

    @property
    def pid(self) -> int:
        """Its process, which may have ended."""
        return self._running().pid

    def launch(self) -> None:
        """Start it, and do not wait until it answers."""
        self._server.prepare(lambda _: None)
        command = self._server.command({"redis": self.port})
        self._process = process.spawn(command.argv, log=self._log, env=command.env)

    def start(self) -> None:
        """Start it on the port and the data it had; returns when it answers."""
        self.launch()
        await_healthy(self._server, self._running(), self.url, log=self._log, seconds=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        process.kill(self._running())

    def pause(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        process.send(self._running(), signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        process.send(self._running(), signal.SIGCONT)

    def end(self) -> None:
        """SIGTERM; returns when it is gone, be it that it never ran."""
        if self._process is not None:
            process.end(self._process, grace=10)

    def ask(self, *words: str) -> str:
        """Its answer to one command; raises ValueError with its error, OSError where it does not answer."""
        return ask(self.url, *words)

    def _running(self) -> process.Process:
        if self._process is None:
            raise StackError(f"the Redis on port {self.port} was not started")
        return self._process


class RedisCluster:
    """Three masters without replicas that share the hash slots; `nodes` may be killed and started one by one."""

    def __init__(self, home: Path) -> None:
        buses = keep_or_choose([f"bus{n}" for n in range(NODES)], {})
        self._buses = list(buses.values())
        self.nodes = [RedisNode(home / f"node{n}", _options(bus)) for n, bus in enumerate(self._buses)]

    @property
    def url(self) -> str:
        """Where clients reach it, in the form that `state.redis.connect` takes."""
        return f"{self.nodes[0].url}?cluster=true"

    def up(self) -> None:
        """Start the nodes and join them to a new cluster; returns when every slot is served."""
        for node in self.nodes:
            node.start()
        bounds = [SLOTS * n // NODES for n in range(NODES + 1)]
        first = self.nodes[0]
        for node, bus, (start, end) in zip(self.nodes, self._buses, pairwise(bounds), strict=True):
            node.ask("CLUSTER", "ADDSLOTSRANGE", str(start), str(end - 1))
            if node is not first:
                first.ask("CLUSTER", "MEET", "127.0.0.1", str(node.port), str(bus))
        self.await_whole()

    def await_whole(self) -> None:
        """Return when every node sees every slot served; StackError if that takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not all(_is_whole(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise StackError(
                    f"the Redis Cluster at {self.url} does not serve every slot after {START_SECONDS:.0f} s"
                )
            time.sleep(0.1)

    def down(self) -> None:
        """End the nodes; their data stay."""
        for node in self.nodes:
            node.end()


def _options(bus: int) -> dict[str, str]:
    return {"cluster-enabled": "yes", "cluster-port": str(bus), "cluster-node-timeout": str(NODE_TIMEOUT_MS)}


def _is_whole(node: RedisNode) -> bool:
    info = node.ask("CLUSTER", "INFO")
    return "cluster_state:ok" in info and f"cluster_known_nodes:{NODES}" in info
