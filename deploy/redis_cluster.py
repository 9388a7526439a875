"""Separate Redis servers, and a Redis Cluster of three, on one machine, for tests and fault benchmarks."""

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
#: The other nodes declare a node dead after this time without an answer.
NODE_TIMEOUT_MS = 1_000
START_SECONDS = 30.0


class RedisNode:
    """One redis-server on a free port, with data and log under `home`; the caller starts and ends it."""

    def __init__(self, home: Path, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self._server = RedisServer(data=home / "data", options=options)
        self._log = home / "redis.log"
        self.port = keep_or_choose(["redis"], {})["redis"]
        self._process: process.Process | None = None

    @property
    def url(self) -> str:
        """The URL for clients."""
        return self._server.address(self.port)

    @property
    def pid(self) -> int:
        """The pid of its process, which may have ended."""
        return self._running().pid

    def launch(self) -> None:
        """Start the node without waiting for an answer."""
        self._server.prepare(lambda _: None)
        command = self._server.command({"redis": self.port})
        self._process = process.spawn(command.argv, log=self._log, env=command.env)

    def start(self) -> None:
        """Start the node with its previous port and data; returns when it answers."""
        self.launch()
        await_healthy(self._server, self._running(), self.url, log=self._log, seconds=START_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL; returns when the node has ended."""
        process.kill(self._running())

    def pause(self) -> None:
        """Send SIGSTOP: the node keeps its connections but does not answer."""
        process.pause(self._running())

    def resume(self) -> None:
        """Send SIGCONT."""
        process.resume(self._running())

    def end(self) -> None:
        """Send SIGTERM; returns when the node has ended, at once if it never ran."""
        if self._process is not None:
            process.end(self._process, grace=10)

    def ask(self, *words: str) -> str:
        """The answer to one command; raises ValueError with an error of Redis, OSError without an answer."""
        return ask(self.url, *words)

    def _running(self) -> process.Process:
        if self._process is None:
            raise StackError(f"the Redis on port {self.port} is not started: call start() first")
        return self._process


class RedisCluster:
    """Three masters without replicas that share the hash slots; each of `nodes` may be killed and started."""

    def __init__(self, home: Path) -> None:
        buses = keep_or_choose([f"bus{n}" for n in range(NODES)], {})
        self._buses = list(buses.values())
        self.nodes = [RedisNode(home / f"node{n}", _options(bus)) for n, bus in enumerate(self._buses)]

    @property
    def url(self) -> str:
        """The URL of the cluster for `state.redis.connect`."""
        return f"{self.nodes[0].url}?cluster=true"

    def up(self) -> None:
        """Start the nodes and join them to a new cluster; returns when all slots are served."""
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
        """Return when every node reports all slots as served; StackError after START_SECONDS."""
        deadline = time.monotonic() + START_SECONDS
        while not all(_is_whole(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise StackError(
                    f"the Redis Cluster at {self.url} does not serve all slots after {START_SECONDS:.0f} s"
                )
            time.sleep(0.1)

    def down(self) -> None:
        """End the nodes; their data remain."""
        for node in self.nodes:
            node.end()


def _options(bus: int) -> dict[str, str]:
    return {"cluster-enabled": "yes", "cluster-port": str(bus), "cluster-node-timeout": str(NODE_TIMEOUT_MS)}


def _is_whole(node: RedisNode) -> bool:
    info = node.ask("CLUSTER", "INFO")
    return "cluster_state:ok" in info and f"cluster_known_nodes:{NODES}" in info
