"""A cluster of separate Kafka brokers on one machine, for tests and fault benchmarks."""

from pathlib import Path

from deploy import process
from deploy.errors import StackError
from deploy.health import await_healthy
from deploy.kafka_server import KafkaServer, new_cluster_id
from deploy.record import keep_or_choose

START_SECONDS = 90.0


class KafkaNode:
    """One broker, which is also a controller; the caller starts and ends it.

    In a cluster with `seen_through` it also listens on `outer_port` and tells the clients there to connect through
    the port `seen_through`, which belongs to a proxy.
    """

    def __init__(self, server: KafkaServer, ports: dict[str, int], *, log: Path, outer_port: int) -> None:
        self._server = server
        self._ports = ports
        self._log = log
        self.outer_port = outer_port
        self._process: process.Process | None = None

    @property
    def address(self) -> str:
        """The address of the broker, host:port."""
        return self._server.address(self._ports["broker"])

    def launch(self) -> None:
        """Start the broker with its previous ports and data, without waiting for an answer."""
        self._server.prepare(lambda _: None)
        command = self._server.command(self._ports)
        self._process = process.spawn(command.argv, log=self._log, env=command.env)

    def await_healthy(self) -> None:
        """Return when the broker answers; StackError if it does not."""
        if self._process is None:
            raise StackError(f"the broker on {self.address} is not started: call launch() first")
        await_healthy(self._server, self._process, self.address, log=self._log, seconds=START_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL; returns when the broker has ended."""
        if self._process is not None:
            process.kill(self._process)

    def end(self) -> None:
        """Send SIGTERM; returns when the broker has ended, at once if it never ran."""
        if self._process is not None:
            process.end(self._process, grace=10)


class KafkaCluster:
    """`count` brokers; topics have `count` replicas, and a record is accepted when two replicas have it."""

    def __init__(self, home: Path, tools: Path, *, count: int = 3, seen_through: int | None = None) -> None:
        names = [f"{role}{n}" for n in range(count) for role in ("broker", "controller", "outer")]
        ports = keep_or_choose(names, {})
        voters = ",".join(f"{n + 1}@127.0.0.1:{ports[f'controller{n}']}" for n in range(count))
        cluster_id = new_cluster_id()
        self.nodes: list[KafkaNode] = []
        for n in range(count):
            outer = ports[f"outer{n}"]
            server = KafkaServer(
                data=home / f"kafka{n}",
                tools=tools,
                logs=home / f"logs{n}",
                properties={"node.id": str(n + 1), "controller.quorum.voters": voters, **_replicas(count)}
                | (_second_listener(outer, seen_through) if seen_through is not None else {}),
                cluster_id=cluster_id,
            )
            own = {"broker": ports[f"broker{n}"], "controller": ports[f"controller{n}"]}
            self.nodes.append(KafkaNode(server, own, log=home / f"kafka{n}.log", outer_port=outer))

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, in the form that clients expect."""
        return ",".join(node.address for node in self.nodes)

    def up(self) -> None:
        """Start all brokers; returns when each answers."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_healthy()

    def down(self) -> None:
        """End all brokers; their data remain."""
        for node in self.nodes:
            node.kill()


def _replicas(count: int) -> dict[str, str]:
    insync = str(min(2, count))
    return {
        "default.replication.factor": str(count),
        "min.insync.replicas": insync,
        "offsets.topic.replication.factor": str(count),
        "transaction.state.log.replication.factor": str(count),
        "transaction.state.log.min.isr": insync,
        # The cluster elects a new controller soon after one is killed.
        "controller.quorum.election.timeout.ms": "1000",
        "controller.quorum.fetch.timeout.ms": "2000",
    }


def _second_listener(port: int, seen_through: int) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://127.0.0.1:{{broker}},CONTROLLER://127.0.0.1:{{controller}},OUTER://127.0.0.1:{port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{{broker}},OUTER://127.0.0.1:{seen_through}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTER:PLAINTEXT",
    }
